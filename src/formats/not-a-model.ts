import { RekindleError } from '../errors.ts'
import type { Probe } from './codec.ts'

interface Signature {
  readonly what: string
  readonly hint?: string
  /** ASCII at the start of the file; a pattern sees the first bytes as text. */
  readonly starts: string | RegExp
}

/** What people hand in by mistake, by how it begins. */
const SIGNATURES: readonly Signature[] = [
  {
    what: 'a Git LFS pointer, not the file itself',
    hint: 'run `git lfs pull`, or download the file from its page',
    starts: 'version https://git-lfs.github.com/spec/',
  },
  {
    what: 'an HTML page',
    hint: 'the download link led to a page instead of the file',
    starts: /^\s*(<!doctype html|<html|<head|<\?xml[^>]*>\s*<html)/i,
  },
  { what: 'a PNG image', starts: '\x89PNG' },
  { what: 'a JPEG image', starts: '\xff\xd8\xff' },
  { what: 'a GIF image', starts: 'GIF8' },
  { what: 'a PDF document', starts: '%PDF' },
  { what: 'a gzip archive', hint: 'unpack it first', starts: '\x1f\x8b' },
  { what: 'a NumPy array', hint: 'arrays are data: use them as input', starts: '\x93NUMPY' },
  { what: 'a Python pickle', hint: 'Rekindle never runs the code in a pickle', starts: /^\x80[^ -~\x80-\xff]/ },
  { what: 'an XML document', starts: /^\s*<\?xml/ },
  {
    what: 'a JSON text',
    hint: 'an architecture without weights: give it beside the weights',
    starts: /^\s*[{[]\s*["{[\]}]/,
  },
]

const SEEN = 512

/** The error for a file that no codec claims: says what the file is, as far as its first bytes tell. */
export async function notAModel(probe: Probe): Promise<RekindleError> {
  const found = await identify(probe)
  return new RekindleError('E_NOT_A_MODEL', `this is ${found.what}`, {
    where: probe.name,
    expected: 'a saved model or weights (.keras, .h5, .weights.h5, .npz)',
    ...(found.hint === undefined ? {} : { hint: found.hint }),
  })
}

async function identify(probe: Probe): Promise<{ what: string; hint?: string | undefined }> {
  if (probe.source.size === 0) return { what: 'an empty file' }
  for (const container of CONTAINERS) {
    const found = await container(probe)
    if (found) return found
  }
  const head = await probe.head(SEEN)
  const latin = Array.from(head, (byte) => String.fromCharCode(byte)).join('')
  const signature = SIGNATURES.find(({ starts }) =>
    typeof starts === 'string' ? latin.startsWith(starts) : starts.test(latin),
  )
  if (signature) return signature
  return isText(head) ? { what: 'a plain text' } : { what: `an unknown binary file of ${probe.source.size} bytes` }
}

/** Containers that hold something else, or that are damaged. */
const CONTAINERS: readonly ((probe: Probe) => Promise<{ what: string; hint?: string } | null>)[] = [
  (probe) =>
    inspect('HDF5 file', async () => {
      const file = await probe.hdf5()
      return file && [...(await file.root.links()).keys()]
    }),
  (probe) =>
    inspect('zip archive', async () => {
      const zip = await probe.zip()
      return zip && [...zip.entries.keys()]
    }),
]

async function inspect(
  kind: string,
  members: () => Promise<readonly string[] | null>,
): Promise<{ what: string; hint?: string } | null> {
  try {
    const names = await members()
    if (!names) return null
    if (names.some((name) => name.endsWith('/data.pkl')))
      return { what: 'a PyTorch file', hint: 'PyTorch is not read yet' }
    const some = names
      .slice(0, 3)
      .map((name) => JSON.stringify(name.slice(0, 40)))
      .join(', ')
    const holds =
      names.length === 0 ? 'that is empty' : `without a model (it holds ${some}${names.length > 3 ? ', …' : ''})`
    return { what: `${kind === 'HDF5 file' ? 'an' : 'a'} ${kind} ${holds}` }
  } catch (error) {
    if (!(error instanceof RekindleError)) throw error
    const state = error.code === 'E_TRUNCATED' ? 'truncated' : 'damaged'
    return { what: `a ${state} ${kind} (${error.message})`, hint: 'get the file again' }
  }
}

/** UTF-8 without control characters other than white space. */
function isText(bytes: Uint8Array): boolean {
  const text = new TextDecoder('utf-8').decode(bytes)
  // The last character may be cut.
  if (text.slice(0, -3).includes('\ufffd')) return false
  return !Array.from(text).some((character) => character < ' ' && !'\t\n\r\f'.includes(character))
}
