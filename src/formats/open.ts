import { type SourceInput, toSource } from '../bytes/source.ts'
import { RekindleError } from '../errors.ts'
import type { Codec, Probe } from './codec.ts'
import { CODECS } from './codecs.ts'
import type { ModelDoc } from './doc.ts'
import { notAModel } from './not-a-model.ts'
import { probe } from './probe.ts'

export { probe } from './probe.ts'

/**
 * Opens a saved model or weights, whoever wrote it: a path, URL, Blob, bytes or Source. Reads what describes the
 * model and leaves the weights where they are until they are asked for. Close the result.
 *
 * @throws RekindleError `E_NOT_A_MODEL` with what the file is instead; what the containers throw for damaged files.
 */
export async function open(input: SourceInput): Promise<ModelDoc> {
  const source = await toSource(input)
  try {
    const file = probe(source)
    const codec = await findCodec(file)
    if (!codec?.read) throw await notAModel(file)
    return await codec.read(file)
  } catch (error) {
    await source.close?.()
    throw error
  }
}

/** The one codec that claims a file; undefined when none does. */
export async function findCodec(file: Probe): Promise<Codec | undefined> {
  for (const codec of CODECS) {
    if (await claims(codec, file)) return codec
  }
  return undefined
}

/** A container too damaged to look into is nobody's; what it is will be said by `notAModel`. */
export async function claims(codec: Codec, file: Probe): Promise<boolean> {
  try {
    return await codec.detect(file)
  } catch (error) {
    if (error instanceof RekindleError && DAMAGED.has(error.code)) return false
    throw error
  }
}

const DAMAGED: ReadonlySet<string> = new Set([
  'E_TRUNCATED',
  'E_INVALID_HDF5',
  'E_INVALID_ZIP',
  'E_UNSUPPORTED_HDF5',
  'E_UNSUPPORTED_ZIP',
  'E_LIMIT',
])
