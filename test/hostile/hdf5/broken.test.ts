import { expect, it } from 'vitest'
import { counted, datasetOf, fileOf, fixture, groupOf, sourceOf } from '../../bytes/hdf5/support.ts'
import { mutate, randomFrom, slow } from './mutate.ts'
import { askForAll } from './walk.ts'

const MUTATIONS = slow ? 20_000 : 500
const NAMES = [
  'attributes-latest',
  'shared-messages',
  'types-latest',
  'layouts-latest',
  'links-earliest',
  'order-latest',
]
const written = () =>
  fileOf(groupOf({ a: groupOf({ b: datasetOf(counted('float32', [3])) }, { t: 'text' }) }, { l: ['x', 'y'] }))

it('is refused when truncated at any byte', async () => {
  const files = [await written(), fixture('user-block-latest.h5').subarray(2048)]
  for (const bytes of files) {
    for (let length = 0; length < bytes.length; length++) {
      const { refusals } = await askForAll(sourceOf(bytes.subarray(0, length)))
      expect(['E_TRUNCATED', 'E_INVALID_HDF5'], `${length} of ${bytes.length} bytes`).toContain(refusals[0]?.code)
    }
  }
})

it('is read or refused, never more, whatever bytes change', async () => {
  const files = [await written(), ...NAMES.map((name) => fixture(`${name}.h5`))]
  const random = randomFrom(20261125)
  let refused = 0
  for (let i = 0; i < MUTATIONS; i++) {
    const original = files[i % files.length] as Uint8Array
    const bytes = mutate(original, random)
    const { refusals, milliseconds } = await askForAll(sourceOf(bytes)).catch((error) => {
      throw new Error(`mutation ${i} of file ${i % files.length}`, { cause: error })
    })
    if (refusals.length > 0) refused++
    expect(milliseconds, `mutation ${i} of file ${i % files.length}`).toBeLessThan(1000)
  }
  expect(refused).toBeGreaterThan(MUTATIONS / 10)
}, 600_000)

it('is refused in one word when a read fails', async () => {
  const bytes = fixture('layouts-latest.h5')
  const counting = sourceOf(bytes, true)
  await askForAll(counting)
  for (let fail = 0; fail < counting.reads.length; fail += 7) {
    let reads = 0
    const failure = new Error('the disk is gone')
    const source = {
      name: 'test.h5',
      size: bytes.length,
      async read(offset: number, length: number) {
        if (reads++ === fail) throw failure
        return new Uint8Array(bytes.subarray(offset, offset + length))
      },
    }
    // what the source throws arrives unchanged; nothing else does
    await expect(askForAll(source)).rejects.toBe(failure)
  }
})
