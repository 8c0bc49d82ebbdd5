import { type H5Dataset, type H5Group, openHdf5 } from '../../../src/bytes/hdf5/index.ts'
import type { Source } from '../../../src/bytes/source.ts'
import { RekindleError } from '../../../src/errors.ts'

/** Everything that a file may be refused with; all else is our fault. */
const ALLOWED = new Set(['E_INVALID_HDF5', 'E_TRUNCATED', 'E_UNSUPPORTED_HDF5', 'E_LIMIT', 'E_UNSAFE_LINK'])

export interface Outcome {
  /** Objects that were opened. */
  readonly opened: number
  /** Codes of the errors, each with the place it named. */
  readonly refusals: readonly { readonly code: string; readonly where: string | undefined }[]
  /** Of the processor, so that a busy machine does not count. */
  readonly milliseconds: number
}

/**
 * Asks a file for everything it has and goes on after each refusal, as a careful program would.
 *
 * @throws whatever is no refusal of the expected kinds, or one that names no place
 */
export async function askForAll(source: Source): Promise<Outcome> {
  const refusals: { code: string; where: string | undefined }[] = []
  let opened = 0
  const attempt = async <T>(action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof RekindleError) || !ALLOWED.has(error.code) || !error.where) throw error
      refusals.push({ code: error.code, where: error.where })
      return undefined
    }
  }
  const visit = async (object: H5Group | H5Dataset): Promise<void> => {
    opened++
    await attempt(() => object.attributes())
    if (object.kind === 'dataset') {
      await attempt(() => object.read())
      return
    }
    for (const name of (await attempt(() => object.links()))?.keys() ?? []) {
      if (refusals.at(-1)?.code === 'E_LIMIT') return
      const member = await attempt(() => object.get(name))
      if (member) await visit(member)
    }
  }
  const start = process.cpuUsage()
  const file = await attempt(() => openHdf5(source))
  if (file) await visit(file.root)
  const { user, system } = process.cpuUsage(start)
  return { opened, refusals, milliseconds: (user + system) / 1000 }
}
