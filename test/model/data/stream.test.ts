import { describe, expect, it } from 'vitest'
import { type BatchStream, isBatchStream, streamBatches } from '../../../src/model/data/stream.ts'
import { Tensor } from '../../../src/tensor/index.ts'

const specs = {
  x: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
  y: [{ name: 'y', dtype: null, shape: null }],
} as const

async function read(stream: BatchStream, skip = 0) {
  const seen: unknown[] = []
  for await (const { index, rows, x, y } of streamBatches(stream, specs, skip)) {
    seen.push([index, rows, x[0]?.toArray(), y?.[0]?.toArray()])
  }
  return seen
}

describe('streamBatches', () => {
  const batches = [
    { x: [[1, 2]], y: [0] },
    [
      [
        [3, 4],
        [5, 6],
      ],
      [1, 0],
    ],
  ] as const
  const expected = [
    [0, 1, [[1, 2]], [0]],
    [
      1,
      2,
      [
        [3, 4],
        [5, 6],
      ],
      [1, 0],
    ],
  ]

  it('reads lists, generators and functions that make them', async () => {
    async function* generate() {
      yield* batches
    }
    expect(await read(batches)).toEqual(expected)
    expect(await read(generate)).toEqual(expected)
    expect(await read(generate())).toEqual(expected)
  })

  it('passes over the batches of an epoch that are done', async () => {
    expect(await read(batches, 1)).toEqual(expected.slice(1))
  })

  it('names the batch in an error', async () => {
    await expect(read([batches[0], { x: [[1, 2, 3]], y: [0] }])).rejects.toThrow(/^batch 1, x: the shape does not fit/)
    await expect(read([{ x: [[1, 2]] }])).rejects.toThrow('batch 0: no targets; expected { x, y } or [x, y]')
    await expect(read([{ x: [[1, 2]], y: [0, 1] }])).rejects.toThrow(/batch 0, y: .*expected 1 rows/)
  })

  it('says that a generator is used up', async () => {
    await expect(read([])).rejects.toThrow(/the stream of batches is empty; expected an iterable that starts again/)
  })

  it('is told from arrays', () => {
    const data = [[1, 2]]
    expect(
      [data, new Float32Array(2), { x: data }, new Map(), 'x.npy', new Tensor('float32', [0], new Float32Array(0))].map(
        isBatchStream,
      ),
    ).toEqual(Array(6).fill(false))
    expect([data.values(), () => data].map(isBatchStream)).toEqual([true, true])
  })
})
