import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/graph/index.ts'
import { applyConstraint, constraintRegistry, constraints } from '../../src/nn/constraints.ts'
import { computeFans, initialize, initializerRegistry, initializers } from '../../src/nn/initializers/index.ts'
import { applyRegularizer, regularizerRegistry, regularizers } from '../../src/nn/regularizers.ts'
import type { Identifier } from '../../src/nn/types.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients } from '../../src/passes/index.ts'
import type { Tensor } from '../../src/tensor/index.ts'
import { evaluate, expectClose, type GoldenTensor, type Numbers, numbersOf, readGolden, toTensor } from './golden.ts'

type Given = Exclude<Identifier, null | string>

interface Golden {
  readonly inputs: Readonly<Record<string, GoldenTensor>>
  readonly regularizers: readonly { identifier: Given; input: string; value: Numbers; dx: Numbers }[]
  readonly constraints: readonly { identifier: Given; input: string; value: Numbers }[]
  readonly initializers: readonly { identifier: Given; shape: number[]; value: Numbers }[]
  readonly fans: readonly { shape: number[]; input_axes?: number[]; output_axes?: number[]; fans: [number, number] }[]
  readonly moments: readonly {
    identifier: Given
    shape: number[]
    mean: number
    std: number
    min: number
    max: number
  }[]
}

const golden = readGolden<Golden>('weights')
const input = (name: string): Tensor => toTensor(golden.inputs[name] as GoldenTensor)
const title = ({ class_name, config }: Given): string => `${class_name} ${JSON.stringify(config)}`
const source = { seed: 1, stream: 0 }

describe('regularizers', () => {
  for (const one of golden.regularizers) {
    it(`${title(one.identifier)} of ${one.input}`, async () => {
      const [value, dx] = await evaluate({ w: input(one.input) }, (b, { w }) => {
        const penalty = applyRegularizer(b, one.identifier, w)
        return [penalty, gradients(b, penalty, [w])[0] as Value]
      })
      expect(value?.shape).toEqual([])
      expectClose(numbersOf(value), one.value, 'penalty')
      expectClose(numbersOf(dx), one.dx, 'gradient')
    })
  }

  it('takes a plain number, options and defaults', () => {
    expect(regularizers.l2(0.1)).toEqual({ class_name: 'L2', config: { l2: 0.1 } })
    expect(regularizers.l1({ l1: 0.2 })).toEqual({ class_name: 'L1', config: { l1: 0.2 } })
    expect(regularizers.l1l2({ l1: 0.1 })).toEqual({ class_name: 'L1L2', config: { l1: 0.1 } })
    expect(regularizerRegistry.resolve('l2').config).toEqual({ l2: 0.01 })
    expect(regularizerRegistry.resolve('l1_l2').def.className).toBe('L1L2')
  })

  it('refuses a negative factor and a weight of another rank', () => {
    const b = newBuilder()
    const w = b.input('w', 'float32', [3])
    expect(() => applyRegularizer(b, regularizers.l2(-1), w)).toThrow(/a number of at least 0, received -1/)
    expect(() => applyRegularizer(b, 'orthogonal_regularizer', w)).toThrow(/a weight of rank 2, received \[3\]/)
  })
})

describe('constraints', () => {
  for (const one of golden.constraints) {
    it(`${title(one.identifier)} of ${one.input}`, async () => {
      const [value] = await evaluate({ w: input(one.input) }, (b, { w }) => [applyConstraint(b, one.identifier, w)])
      expectClose(numbersOf(value), flat(one.value), 'weight')
    })
  }

  it('takes options in camelCase', () => {
    expect(constraints.maxNorm({ maxValue: 3 })).toEqual({ class_name: 'MaxNorm', config: { max_value: 3 } })
    expect(constraintRegistry.resolve('non_neg').def.className).toBe('NonNeg')
  })
})

function flat(values: Numbers): Numbers {
  return typeof values === 'object' ? values.flatMap((x) => flat(x) as number) : values
}

describe('initializers', () => {
  for (const one of golden.initializers) {
    it(`${title(one.identifier)} ${JSON.stringify(one.shape)}`, () => {
      const made = initialize(one.identifier, one.shape, source)
      expect(made.shape).toEqual(one.shape)
      expectClose(numbersOf(made), one.value, 'weight')
    })
  }

  for (const { shape, input_axes, output_axes, fans } of golden.fans) {
    it(`fans of ${JSON.stringify(shape)} ${JSON.stringify(input_axes ?? '')}`, () => {
      const { fanIn, fanOut } = computeFans(shape, input_axes ?? null, output_axes ?? null)
      expect([fanIn, fanOut]).toEqual(fans)
    })
  }

  for (const one of golden.moments) {
    it(`${title(one.identifier)} spreads as Keras's`, () => {
      const x = initialize(one.identifier, one.shape, source).data as Float32Array
      expect(x.length).toBe(1_000_000)
      const mean = x.reduce((sum, v) => sum + v, 0) / x.length
      const std = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length)
      // Both means stray by a thousandth of the deviation, both deviations by less than that.
      expect(Math.abs(mean - one.mean) / one.std).toBeLessThan(5e-3)
      expect(Math.abs(std / one.std - 1)).toBeLessThan(5e-3)
      if (one.identifier.class_name.includes('RandomNormal') || one.identifier.class_name === 'VarianceScaling') return
      const span = one.max - one.min
      const least = x.reduce((a, v) => Math.min(a, v))
      const most = x.reduce((a, v) => Math.max(a, v))
      expect(Math.abs(least - one.min) / span).toBeLessThan(1e-3)
      expect(Math.abs(most - one.max) / span).toBeLessThan(1e-3)
    })
  }

  it('spreads glorot_uniform evenly within √(6 / (in + out))', () => {
    const x = initialize('glorot_uniform', [300, 200], source).data as Float32Array
    const limit = Math.sqrt(6 / 500)
    const buckets = new Array<number>(10).fill(0)
    for (const v of x) {
      const at = Math.floor(((v / limit + 1) / 2) * 10)
      buckets[at] = (buckets[at] ?? Number.NaN) + 1
    }
    const chiSquared = buckets.reduce((sum, n) => sum + (n - x.length / 10) ** 2 / (x.length / 10), 0)
    // 9 degrees of freedom: over 27.9 in one of a thousand seeds.
    expect(chiSquared).toBeLessThan(27.9)
  })

  for (const shape of [
    [6, 4],
    [4, 6],
    [5, 5],
    [3, 2, 4],
    [64, 64],
  ]) {
    it(`orthogonal ${JSON.stringify(shape)}`, () => {
      const q = initialize(initializers.orthogonal({ gain: 2 }), shape, source).data as Float32Array
      const columns = shape.at(-1) as number
      const rows = q.length / columns
      const at = (i: number, j: number): number => (rows >= columns ? q[i * columns + j] : q[j * columns + i]) as number
      const [length, count] = [Math.max(rows, columns), Math.min(rows, columns)]
      for (let j = 0; j < count; j++) {
        for (let k = 0; k <= j; k++) {
          let dot = 0
          for (let i = 0; i < length; i++) dot += at(i, j) * at(i, k)
          expect(dot).toBeCloseTo(j === k ? 4 : 0, 5)
        }
      }
    })
  }

  it('follows from the seed, the stream and the shape alone', () => {
    const draw = (identifier: Identifier, seed: number, stream: number) =>
      initialize(identifier, [8], { seed, stream }).data
    expect(draw('he_normal', 1, 2)).toEqual(draw('he_normal', 1, 2))
    expect(draw('he_normal', 1, 2)).not.toEqual(draw('he_normal', 1, 3))
    expect(draw('he_normal', 1, 2)).not.toEqual(draw('he_normal', 2, 2))
    const seeded = initializers.heNormal({ seed: 7 })
    expect(draw(seeded, 1, 2)).toEqual(draw(seeded, 5, 6))
    expect(draw(seeded, 1, 2)).toEqual(draw('he_normal', 7, 0))
    const generator = {
      class_name: 'HeNormal',
      config: { seed: { class_name: 'SeedGenerator', config: { seed: 7, name: 's' } } },
    }
    expect(draw(generator, 1, 2)).toEqual(draw(seeded, 1, 2))
  })

  it('gives other dtypes, scalars and nothing', () => {
    expect(initialize('ones', [2], source, 'int64').data).toEqual(BigInt64Array.of(1n, 1n))
    expect(initialize(null, [], source).data).toEqual(Float32Array.of(0))
    expect(initialize('glorot_uniform', [0, 3], source).data.length).toBe(0)
  })

  it('reads Keras 1 and 2: dtype keys, short names', () => {
    expect(initialize({ class_name: 'Ones', config: { dtype: 'float32' } }, [1], source).data).toEqual(
      Float32Array.of(1),
    )
    expect(initializerRegistry.resolve('uniform').def.className).toBe('RandomUniform')
    expect(initializerRegistry.resolve('normal').def.className).toBe('RandomNormal')
  })

  it('refuses what it cannot make', () => {
    const bad = (identifier: Identifier, shape: number[] = [2]) => expect(() => initialize(identifier, shape, source))
    bad('glorot').toThrow(/unknown initializer "glorot"; expected one of zeros/)
    bad('identity').toThrow(/Identity initializer; expected a shape of rank 2, received \[2\]/)
    bad('orthogonal').toThrow(/a shape of rank at least 2/)
    bad({ class_name: 'VarianceScaling', config: { mode: 'fan' } }).toThrow(
      /mode; expected fan_in, fan_out, fan_avg, received "fan"/,
    )
    bad({ class_name: 'VarianceScaling', config: { scale: 0 } }).toThrow(/a positive number, received 0/)
    bad({ class_name: 'HeNormal', config: { seed: 'x' } }).toThrow(/a whole number or null/)
    bad({ class_name: 'Constant', config: { value: 'x' } }).toThrow(/a number, received "x"/)
    bad({ class_name: 'STFT', config: { window: 'kaiser' } }, [8, 1, 5]).toThrow(/unknown STFT window "kaiser"/)
    bad('zeros', [2 ** 20, 2 ** 20]).toThrow(expect.objectContaining({ code: 'E_LIMIT' }))
  })
})
