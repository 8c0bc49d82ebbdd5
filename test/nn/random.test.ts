import { describe, expect, it } from 'vitest'
import { philoxInto, randomSource, seedWords, shuffle, uniformNumbers, type Words } from '../../src/nn/philox.ts'
import { createRandomStream, RANDOM_STATE } from '../../src/nn/random.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { runGraph } from '../passes/run-graph.ts'
import { evaluate } from './golden.ts'

/** From Random123's kat_vectors, philox4x32 with 10 rounds. */
const KNOWN_ANSWERS: readonly [counter: Words, key: [number, number], words: Words][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
]

const stateOf = (seed: number, step: number): Tensor =>
  new Tensor(RANDOM_STATE.dtype, RANDOM_STATE.shape, Uint32Array.of(...seedWords(seed), ...seedWords(step)) as never)

describe('Philox4x32-10', () => {
  it("gives Random123's known answers", () => {
    for (const [counter, key, words] of KNOWN_ANSWERS) {
      const out = new Uint32Array(6)
      philoxInto(out, 1, counter, key)
      expect([...out]).toEqual([0, ...words, 0])
    }
  })

  const draws = [
    { seed: 1, step: 0, shape: [5], bits: 24 },
    { seed: 1, step: 0, shape: [5], bits: 16 },
    { seed: 2 ** 40 + 3, step: 2 ** 35 + 7, shape: [3, 8], bits: 24 },
    { seed: -1, step: 4294967295, shape: [2, 3, 11], bits: 16 },
    { seed: 9, step: 3, shape: [], bits: 24 },
    { seed: 9, step: 3, shape: [32, 100], bits: 16 },
    { seed: 9, step: 3, shape: [0, 4], bits: 24 },
  ] as const
  for (const { seed, step, shape, bits } of draws) {
    it(`draws the same ${bits}-bit numbers in the graph: seed ${seed}, step ${step}, [${shape}]`, async () => {
      const [first, second] = await evaluate({ state: stateOf(seed, step) }, (b, { state }) => {
        const random = createRandomStream(b, state)
        return [random.uniform(b, shape, bits), random.uniform(b, shape, bits)]
      })
      for (const [stream, drawn] of [first, second].entries()) {
        expect(drawn?.shape).toEqual(shape)
        expect(drawn?.data).toEqual(uniformNumbers(seed, step, stream, drawn?.size ?? 0, bits))
      }
    })
  }

  it('draws inside a nested graph, with a stream of its own', async () => {
    const b = newBuilder()
    const random = createRandomStream(b, b.input('state', 'uint32', [4]))
    const branch = (x: number) =>
      b.subgraph([], (inner) => [inner.op('Add', [random.uniform(inner, [4]), inner.scalar(x)])])
    const chosen = b.op('If', [b.input('flag', 'bool', [])], { then_branch: branch(0), else_branch: branch(1) })
    const after = random.uniform(b, [4])
    const feeds = { state: stateOf(5, 6), flag: new Tensor('bool', [], Uint8Array.of(0)) }
    const [inside, outside] = await runGraph(b.build([chosen, after]), feeds)
    expect(inside?.data).toEqual(uniformNumbers(5, 6, 1, 4).map((x) => x + 1))
    expect(outside?.data).toEqual(uniformNumbers(5, 6, 2, 4))
  })

  it('is even: moments, buckets, and no correlation from step to step', () => {
    for (const bits of [16, 24] as const) {
      const x = uniformNumbers(3, 1, 0, 80_000, bits)
      const y = uniformNumbers(3, 2, 0, 80_000, bits)
      const mean = x.reduce((sum, v) => sum + v, 0) / x.length
      expect(Math.abs(mean - 0.5)).toBeLessThan(4 / Math.sqrt(12 * x.length))
      const counts = new Array<number>(16).fill(0)
      for (const v of x) counts[Math.floor(v * 16)] = (counts[Math.floor(v * 16)] as number) + 1
      const chiSquared = counts.reduce((sum, n) => sum + (n - 5000) ** 2 / 5000, 0)
      // 15 degrees of freedom: over 37.7 in one of a thousand seeds.
      expect(chiSquared).toBeLessThan(37.7)
      const product = x.reduce((sum, v, i) => sum + (v - 0.5) * ((y[i] as number) - 0.5), 0) / x.length
      expect(Math.abs(product * 12)).toBeLessThan(4 / Math.sqrt(x.length))
    }
  })
})

describe('draws on the host', () => {
  it('take any whole seed', () => {
    expect(seedWords(-1)).toEqual([0xffffffff, 0xffffffff])
    expect(seedWords(2 ** 32 + 5)).toEqual([5, 1])
    expect(seedWords(2n ** 64n - 1n)).toEqual([0xffffffff, 0xffffffff])
  })

  it('are normal', () => {
    const { normal } = randomSource(1, 0, 'initialize')
    const x = Array.from({ length: 50_000 }, normal)
    const moment = (k: number): number => x.reduce((sum, v) => sum + v ** k, 0) / x.length
    expect(Math.abs(moment(1))).toBeLessThan(0.02)
    expect(moment(2)).toBeCloseTo(1, 1)
    expect(Math.abs(moment(3))).toBeLessThan(0.06)
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15)
  })
})

describe('shuffle', () => {
  it('gives a permutation that seed and epoch determine', () => {
    const order = shuffle(1000, 7, 3)
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(shuffle(1000, 7, 3)).toEqual(order)
    expect(shuffle(1000, 7, 4)).not.toEqual(order)
    expect(shuffle(1000, 8, 3)).not.toEqual(order)
    expect([...shuffle(0, 1, 1)]).toEqual([])
    expect([...shuffle(1, 1, 1)]).toEqual([0])
  })

  it('gives every order equally often', () => {
    const counts = new Map<string, number>()
    for (let epoch = 0; epoch < 2400; epoch++) {
      const key = shuffle(4, 5, epoch).join()
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 100) ** 2 / 100, 0)
    // 23 degrees of freedom: over 49.7 in one of a thousand seeds.
    expect(chiSquared).toBeLessThan(49.7)
  })

  it('stays as it is: saved runs go on with it', () => {
    expect([...shuffle(8, 42, 1)]).toMatchInlineSnapshot(`
      [
        0,
        2,
        4,
        1,
        5,
        6,
        7,
        3,
      ]
    `)
  })
})
