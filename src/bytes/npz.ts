import { RekindleError } from '../errors.ts'
import type { Tensor } from '../tensor/index.ts'
import { openNpy, planNpy, readNpy, type StoredTensor } from './npy.ts'
import { memorySource, readAll, type Source } from './source.ts'
import { openZip } from './zip/read.ts'
import type { PlannedFile, ZipArchive, ZipInput } from './zip/types.ts'
import { planZip } from './zip/write.ts'

const EXTENSION = '.npy'

/**
 * The arrays of an `.npz` file by name, in its order. Data is read on `load` and its checksum verified; a compressed
 * array is inflated once for its header and once on `load`.
 * @throws RekindleError as `openZip` and `openNpy` do; `E_INVALID_NPY` when there is no array inside.
 */
export async function readNpz(source: Source): Promise<Map<string, StoredTensor>> {
  const arrays = await arraysOf(await openZip(source))
  if (arrays.size > 0) return arrays
  throw new RekindleError('E_INVALID_NPY', 'no arrays in the archive', {
    where: source.name,
    expected: 'entries that end in .npy',
  })
}

/** The same for an archive that is open already. */
export async function arraysOf(archive: ZipArchive): Promise<Map<string, StoredTensor>> {
  const arrays = new Map<string, StoredTensor>()
  for (const entry of archive.entries.values()) {
    if (!entry.name.endsWith(EXTENSION)) continue
    const { dtype, shape } = await openNpy(await entry.open())
    // Read whole, because only then the archive can verify its checksum.
    const load = async (): Promise<Tensor> => {
      const source = await entry.open()
      return readNpy(memorySource(await readAll(source), source.name))
    }
    arrays.set(entry.name.slice(0, -EXTENSION.length), { dtype, shape, load })
  }
  return arrays
}

/** An `.npz` file as `numpy.savez` makes it, planned first and streamed in order. */
export async function planNpz(arrays: ReadonlyMap<string, StoredTensor>): Promise<PlannedFile> {
  const inputs: ZipInput[] = []
  for (const [name, stored] of arrays) {
    const plan = await planNpy(stored, name)
    inputs.push({ name: name + EXTENSION, size: plan.size, chunks: () => plan.chunks() })
  }
  return planZip(inputs)
}
