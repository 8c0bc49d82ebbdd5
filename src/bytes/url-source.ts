import { RekindleError } from '../errors.ts'
import { checkRange } from '../platform/range.ts'
import { LIMITS } from './limits.ts'
import { memorySource } from './memory-source.ts'
import type { Source } from './source.ts'

/**
 * A URL read in ranges where the server honours them, otherwise fetched whole.
 * @throws RekindleError `E_IO_NOT_FOUND`, `E_IO_READ`; `E_LIMIT` when a server without ranges sends more than `limit` bytes.
 */
export async function urlSource(url: URL, limit: number = LIMITS.wholeSource): Promise<Source> {
  const name = url.protocol === 'data:' ? 'data URL' : url.href
  const first = await request(url, name, 'bytes=0-0')
  const size = totalSize(first)
  if (size === undefined) {
    // A ranged answer without its total (not exposed to this page) is asked for again, whole.
    if (first.status === 200) return memorySource(await readBody(first, name, limit), name)
    await first.body?.cancel()
    return memorySource(await readBody(await request(url, name), name, limit), name)
  }
  await first.body?.cancel()
  const version = first.headers.get('etag')
  return {
    name,
    size,
    async read(offset, length) {
      checkRange(name, size, offset, length)
      if (length === 0) return new Uint8Array(0)
      const part = await request(url, name, `bytes=${offset}-${offset + length - 1}`)
      if (totalSize(part) !== size || part.headers.get('etag') !== version) {
        await part.body?.cancel()
        throw new RekindleError('E_IO_READ', 'the file on the server changed while it was read', { where: name })
      }
      const bytes = await readBody(part, name, length)
      if (bytes.length === length) return bytes
      throw new RekindleError('E_TRUNCATED', 'the server sent too little', {
        where: name,
        expected: `${length} bytes`,
        received: `${bytes.length} bytes`,
      })
    },
  }
}

async function request(url: URL, name: string, range?: string): Promise<Response> {
  let response: Response
  try {
    // A compressed answer would be cut into ranges of the compressed bytes.
    response = await fetch(url, range ? { headers: { Range: range, 'Accept-Encoding': 'identity' } } : {})
  } catch (cause) {
    throw new RekindleError('E_IO_READ', 'cannot be fetched', { where: name, cause })
  }
  // 416: an empty file has no first byte.
  if (response.ok || response.status === 416) return response
  await response.body?.cancel()
  const missing = response.status === 404 || response.status === 410
  throw new RekindleError(missing ? 'E_IO_NOT_FOUND' : 'E_IO_READ', `the server answered ${response.status}`, {
    where: name,
  })
}

/** The size of the whole file behind a ranged answer; undefined when the server sent everything or does not tell. */
function totalSize(response: Response): number | undefined {
  const total = /^bytes (?:\d+-\d+|\*)\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
  return total === undefined ? undefined : Number(total)
}

async function readBody(response: Response, name: string, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of response.body ?? []) {
      length += part.length
      if (length > limit) {
        throw new RekindleError('E_LIMIT', 'the server sends too much', {
          where: name,
          expected: `at most ${limit} bytes`,
        })
      }
      parts.push(part)
    }
  } catch (cause) {
    if (cause instanceof RekindleError) throw cause
    throw new RekindleError('E_IO_READ', 'the connection broke', { where: name, cause })
  }
  const only = parts[0]
  if (parts.length === 1 && only) return only
  const out = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}
