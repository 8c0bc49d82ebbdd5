import { describe, expect, it } from 'vitest'
import { type Batch, Batches } from '../../../src/model/data/batches.ts'
import { Tensor } from '../../../src/tensor/index.ts'

const WIDTH = 16
const ROWS = 7

const wide = new Tensor(
  'float32',
  [ROWS, WIDTH],
  Float32Array.from({ length: ROWS * WIDTH }, (_, i) => i),
)
const labels = new Tensor(
  'int64',
  [ROWS],
  BigInt64Array.from({ length: ROWS }, (_, i) => BigInt(i * 10)),
)
const words = new Tensor(
  'string',
  [ROWS, 1],
  Array.from({ length: ROWS }, (_, i) => `row ${i}`),
)

/** The memory behind the first array of a batch. */
const memoryOf = ({ tensors }: Batch) => (tensors[0] as Tensor<'float32'>).data.buffer

describe('Batches', () => {
  it('gives every row once, the last batch being smaller', () => {
    const batches = new Batches([wide, labels], { batchSize: 3 })
    const seen = [...batches.epoch()].map(({ index, rows, tensors }) => ({
      index,
      rows,
      shapes: tensors.map((tensor) => tensor.shape),
      labels: (tensors[1] as Tensor).toArray(),
    }))
    expect(batches.steps).toBe(3)
    expect(seen).toEqual([
      { index: 0, rows: 3, shapes: [[3, WIDTH], [3]], labels: [0n, 10n, 20n] },
      { index: 1, rows: 3, shapes: [[3, WIDTH], [3]], labels: [30n, 40n, 50n] },
      { index: 2, rows: 1, shapes: [[1, WIDTH], [1]], labels: [60n] },
    ])
  })

  it('does not copy rows that stand in order', () => {
    const [first] = new Batches([wide], { batchSize: 3 }).epoch()
    expect(memoryOf(first as Batch)).toBe(wide.data.buffer)
  })

  it('gathers rows of every kind in the order it is given', () => {
    const order = [6, 0, 3, 5, 1, 4, 2]
    const rows: number[] = []
    for (const { tensors } of new Batches([wide, labels, words], { batchSize: 2 }).epoch({ order })) {
      const [x, y, text] = tensors as [Tensor, Tensor, Tensor]
      for (let i = 0; i < (x.shape[0] as number); i++) {
        const row = Number((y.data as BigInt64Array)[i]) / 10
        rows.push(row)
        expect([...(x.data as Float32Array).subarray(i * WIDTH, (i + 1) * WIDTH)]).toEqual([
          ...(wide.rows(row, row + 1).data as Float32Array),
        ])
        expect((text.data as string[])[i]).toBe(`row ${row}`)
      }
    }
    expect(rows).toEqual(order)
  })

  it('uses one tensor again for all full batches, so that a step allocates nothing', () => {
    const order = [6, 5, 4, 3, 2, 1, 0]
    const batches = new Batches([wide], { batchSize: 3 })
    const tensors = [0, 1].flatMap(() => [...batches.epoch({ order })].map((batch) => batch.tensors[0]))
    expect(new Set(tensors.filter((tensor) => tensor?.shape[0] === 3)).size).toBe(1)
  })

  it('writes into memory that it is given, shuffled or not', () => {
    const memory = new Float32Array(3 * WIDTH)
    const batches = new Batches([wide], { batchSize: 3, buffers: [memory] })
    for (const batch of batches.epoch()) expect(memoryOf(batch)).toBe(memory.buffer)
    expect(memory[0]).toBe(6 * WIDTH)
    for (const _ of batches.epoch({ order: [1, 1, 1, 1, 1, 1, 1] })) expect(memory[0]).toBe(WIDTH)
  })

  it('goes on in the middle of an epoch', () => {
    const seen = [...new Batches([labels], { batchSize: 2 }).epoch({ skip: 2 })].map(({ index }) => index)
    expect(seen).toEqual([2, 3])
  })

  it('takes a batch size that is larger than the data', () => {
    const [only, ...others] = [...new Batches([wide], { batchSize: 100 }).epoch({ order: [0, 1, 2, 3, 4, 5, 6] })]
    expect(only?.tensors[0]?.shape).toEqual([ROWS, WIDTH])
    expect(others).toEqual([])
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a batch size of %s', (batchSize) => {
    expect(() => new Batches([wide], { batchSize })).toThrow(/batchSize: .*expected a whole number from 1/)
  })
})
