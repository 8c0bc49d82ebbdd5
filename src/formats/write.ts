import { writeAtomically } from '#platform'
import type { Sink } from '../bytes/source.ts'
import { RekindleError } from '../errors.ts'
import type { Codec, OutputFile, WriteOptions } from './codec.ts'
import { CODECS } from './codecs.ts'
import type { ModelDoc } from './doc.ts'

export interface ModelWriteOptions extends WriteOptions {
  /** A codec id or an extension (`keras`, `.h5`); by default the path's extension decides. */
  readonly format?: string
}

const ERAS: readonly WriteOptions['era'][] = ['common', 'keras2', 'keras3']

/**
 * The codec that writes files of this name: the longest extension that fits (`.weights.h5` before `.h5`).
 *
 * @param format codec id or extension that decides instead.
 * @throws RekindleError `E_UNSUPPORTED_FORMAT` naming the extensions that can be written.
 */
export function codecForWriting(path: string, format?: string): Codec & Required<Pick<Codec, 'write'>> {
  const name = (format ?? path).toLowerCase()
  const rows = CODECS.flatMap((codec) => codec.extensions.map((extension) => ({ codec, extension })))
  const fits = rows
    .filter(
      ({ codec, extension }) =>
        codec.write && (name === codec.id || name.endsWith(extension) || `.${name}` === extension),
    )
    .sort((a, b) => b.extension.length - a.extension.length)
  const codec = fits[0]?.codec
  if (codec?.write) return codec as Codec & Required<Pick<Codec, 'write'>>
  throw new RekindleError('E_UNSUPPORTED_FORMAT', 'no format to write by this name', {
    where: path,
    expected: rows
      .filter((row) => row.codec.write)
      .map((row) => row.extension)
      .join(', '),
    ...(format === undefined ? {} : { received: format }),
  })
}

/**
 * Writes a model. A path is written whole or not at all; its extension picks the format.
 *
 * @param target a path, or a sink together with `options.format`.
 * @throws RekindleError `E_UNSUPPORTED_FORMAT`, `E_UNSUPPORTED_OPTION`, `E_IO_WRITE`.
 */
export async function writeModel(doc: ModelDoc, target: string | Sink, options: ModelWriteOptions = {}): Promise<void> {
  const path = typeof target === 'string' ? target : ''
  if (options.era !== undefined && !ERAS.includes(options.era)) {
    throw new RekindleError('E_INVALID_ARGUMENT', 'no such era', {
      where: 'era',
      expected: ERAS.join(', '),
      received: String(options.era),
    })
  }
  const file = await planFile(doc, codecForWriting(path, options.format), options)
  if (typeof target !== 'string') {
    for await (const chunk of file.chunks) await target.write(chunk)
    return
  }
  await writeAtomically(
    path,
    async (write) => {
      for await (const chunk of file.chunks) await write(chunk)
    },
    { expectedBytes: file.size },
  )
}

/** A model as the bytes of a file. */
export async function modelBytes(doc: ModelDoc, format: string, options: WriteOptions = {}): Promise<Uint8Array> {
  const file = await planFile(doc, codecForWriting('', format), options)
  const out = new Uint8Array(file.size)
  let at = 0
  for await (const chunk of file.chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

async function planFile(
  doc: ModelDoc,
  codec: Codec & Required<Pick<Codec, 'write'>>,
  options: WriteOptions,
): Promise<OutputFile> {
  const [file] = await codec.write(doc, options)
  if (file) return file
  throw new RekindleError('E_INVALID_STATE', `the codec ${codec.id} wrote nothing`)
}
