import { expect, it, vi } from 'vitest'
import { fixture, sourceOf } from '../../bytes/hdf5/support.ts'
import { mutate, randomFrom, slow } from './mutate.ts'
import { askForAll } from './walk.ts'

/** Where the checksums are that the reader asked for. */
const checksums = vi.hoisted(() => new Set<number>())

/** Checksums of structure count as right when they are zero: else nothing behind them would ever be tried. */
vi.mock(import('../../../src/bytes/hdf5/checksum.ts'), async (load) => ({
  ...(await load()),
  metadataChecksum(bytes: Uint8Array) {
    checksums.add(bytes.byteOffset + bytes.length)
    return 0
  },
}))

const NAMES = ['attributes-latest', 'shared-messages', 'types-latest', 'order-latest', 'links-v108', 'layouts-latest']
const MUTATIONS = slow ? 20_000 : 1000

/** A file all of whose checksums are zero. */
async function withoutChecksums(name: string): Promise<Uint8Array> {
  const bytes = fixture(`${name}.h5`)
  for (let before = -1; before !== checksums.size; ) {
    before = checksums.size
    await askForAll(sourceOf(bytes))
    for (const place of checksums) if (place + 4 <= bytes.length) bytes.fill(0, place, place + 4)
  }
  const { opened, refusals } = await askForAll(sourceOf(bytes))
  expect(opened).toBeGreaterThan(3)
  expect(refusals.filter(({ code, where }) => code === 'E_INVALID_HDF5' && !/loop/.test(where ?? ''))).toEqual([])
  checksums.clear()
  return bytes
}

it('is read or refused, never more, also where its checksums are right', async () => {
  const files: Uint8Array[] = []
  for (const name of NAMES) files.push(await withoutChecksums(name))
  const random = randomFrom(3)
  let refused = 0
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = mutate(files[i % files.length] as Uint8Array, random)
    const { refusals, milliseconds } = await askForAll(sourceOf(bytes)).catch((error) => {
      throw new Error(`mutation ${i} of file ${i % files.length}`, { cause: error })
    })
    if (refusals.length > 0) refused++
    expect(milliseconds, `mutation ${i} of file ${i % files.length}`).toBeLessThan(1000)
  }
  expect(refused).toBeGreaterThan(MUTATIONS / 10)
}, 600_000)
