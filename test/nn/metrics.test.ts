import { describe, expect, it } from 'vitest'
import { resolveLoss } from '../../src/nn/losses/index.ts'
import { metricRegistry, metrics, resolveMetric } from '../../src/nn/metrics/index.ts'
import type { JsonObject } from '../../src/nn/types.ts'
import { newBuilder } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/tensor/index.ts'
import { evaluate, expectClose, type GoldenTensor, type Numbers, numbersOf, readGolden, toTensor } from './golden.ts'

interface MetricCase {
  readonly class_name: string
  readonly config: JsonObject
  readonly y_true: string
  readonly y_pred: string
  readonly weight?: string
  readonly state?: readonly Numbers[]
  readonly result: Numbers
}

interface Golden {
  readonly inputs: Readonly<Record<string, readonly GoldenTensor[]>>
  readonly cases: readonly MetricCase[]
  readonly by_shapes: readonly { y_true: number[]; y_pred: number[]; metric: string; loss: string }[]
}

const golden = readGolden<Golden>('metrics')
const batchesOf = (name: string): readonly Tensor[] => (golden.inputs[name] as readonly GoldenTensor[]).map(toTensor)

/** State and result after several batches of different sizes. */
async function checkMetric(one: MetricCase): Promise<void> {
  const [yTrue, yPred] = [batchesOf(one.y_true), batchesOf(one.y_pred)]
  const weights = one.weight === undefined ? null : batchesOf(one.weight)
  const identifier = { class_name: one.class_name, config: one.config }
  const { def, config } = resolveMetric(identifier, [], [])
  const specs = def.state(config, yPred[0] as Tensor)
  const state = specs.map(({ shape }) => new Float32Array(shape.reduce((size, dim) => size * dim, 1)))
  for (const [i, prediction] of yPred.entries()) {
    const feeds = { yPred: prediction, yTrue: yTrue[i] as Tensor, ...(weights && { weight: weights[i] as Tensor }) }
    const added = await evaluate<'yPred' | 'yTrue' | 'weight'>(feeds as never, (b, x) => {
      const parts = def.batch(b, x.yTrue, x.yPred, x.weight ?? null, config)
      expect(parts.map(({ shape }) => shape)).toEqual(specs.map(({ shape }) => shape))
      return parts
    })
    for (const [k, part] of added.entries()) {
      const sums = state[k] as Float32Array
      for (let j = 0; j < sums.length; j++) sums[j] = (sums[j] as number) + (numbersOf(part)[j] as number)
    }
  }
  for (const [k, wanted] of (one.state ?? []).entries()) {
    expectClose(state[k] as Float32Array, wanted, specs[k]?.name ?? 'state', 1e-6)
  }
  const result = def.result(state, config)
  const list = typeof result === 'number' ? [result] : result
  expect(typeof result === 'number').toBe(!Array.isArray(one.result))
  expectClose(list, one.result, 'result', 1e-6)
}

describe('metrics', () => {
  for (const one of golden.cases) {
    it(`${one.class_name} ${JSON.stringify(one.config)} of ${one.y_true} and ${one.y_pred} ${one.weight ?? ''}`, () =>
      checkMetric(one))
  }

  it('takes the mean of the predictions themselves', () =>
    checkMetric({ class_name: 'Mean', config: {}, y_true: 'labels', y_pred: 'float labels', result: (9 + 4.5) / 9 }))

  it('gives 0 before the first batch, as Keras', () => {
    for (const name of ['accuracy', 'mse', 'auc', 'precision', 'root_mean_squared_error']) {
      const { def, config } = resolveMetric(name, [8], [8, 3])
      const empty = def
        .state(config, { dtype: 'float32', shape: [8, 3] })
        .map(({ shape }) => new Float32Array(shape[0] ?? 1))
      expect(def.result(empty, config), name).toBe(0)
    }
  })

  it('keeps the accuracy of class numbers at four operators', () => {
    const b = newBuilder()
    const { def, config } = resolveMetric('accuracy', [32], [32, 10])
    def.batch(b, b.input('t', 'int64', [32]), b.input('p', 'float32', [32, 10]), null, config)
    expect(b.nodes.map(({ op }) => op)).toEqual(['ArgMax', 'Equal', 'Cast', 'ReduceSum'])
  })

  it('counts the rows of a batch whose size is not known', async () => {
    const b = newBuilder()
    const { def, config } = resolveMetric('mae', [8, 1], [8, 1])
    const [, count] = def.batch(
      b,
      b.input('t', 'float32', ['batch', 1]),
      b.input('p', 'float32', ['batch', 1]),
      null,
      config,
    )
    expect(count?.shape).toEqual([])
    expect(b.constantOf(count as never)).toBeUndefined()
  })

  it('survives predictions that are not numbers', async () => {
    const { def, config } = resolveMetric('auc', [2, 1], [2, 1])
    const yPred = toTensor({ dtype: 'float32', shape: [2, 1], data: ['nan', 0.5] })
    const yTrue = toTensor({ dtype: 'float32', shape: [2, 1], data: [1, 0] })
    const [truePositives] = await evaluate({ yTrue, yPred }, (b, x) => def.batch(b, x.yTrue, x.yPred, null, config))
    expect(truePositives?.size).toBe(200)
  })
})

describe('metric names', () => {
  for (const { y_true, y_pred, metric, loss } of golden.by_shapes) {
    it(`accuracy and crossentropy of ${JSON.stringify(y_true)} and ${JSON.stringify(y_pred)}`, () => {
      for (const name of ['accuracy', 'acc', 'ACC']) {
        const resolved = resolveMetric(name, y_true, y_pred)
        expect(resolved.def.className).toBe(metric)
        expect(resolved.name).toBe(name)
      }
      const resolved = resolveLoss('ce', { yTrue: y_true, yPred: y_pred })
      expect(resolved.def.fn).toBe(loss)
      expect(resolved.name).toBe('ce')
      expect(resolveMetric('crossentropy', y_true, y_pred).def.fn).toBe(loss)
    })
  }

  it('keeps the string as the name and gives objects their own', () => {
    expect(resolveMetric('mse', [8], [8]).name).toBe('mse')
    expect(resolveMetric('MeanSquaredError', [8], [8]).name).toBe('MeanSquaredError')
    expect(resolveMetric(metrics.auc(), [8], [8]).name).toBe('auc')
    expect(resolveMetric(metrics.fBetaScore({ beta: 2 }), [8], [8]).name).toBe('fbeta_score')
    expect(resolveMetric(metrics.precision({ name: 'p', topK: 2 }), [8], [8]).name).toBe('p')
  })

  it('unwraps the mean of a function, as tf-keras writes metrics', () => {
    const config = { name: 'accuracy', dtype: 'float32', fn: 'sparse_categorical_accuracy' }
    const { def, name } = resolveMetric({ class_name: 'MeanMetricWrapper', config }, [8], [8])
    expect(def.className).toBe('SparseCategoricalAccuracy')
    expect(name).toBe('accuracy')
  })

  it('refuses what it does not know', () => {
    expect(() => resolveMetric('acuracy', [8], [8, 3])).toThrow(
      /unknown metric "acuracy"; expected one of accuracy, binary_accuracy/,
    )
    const bad = (config: JsonObject) => resolveMetric({ class_name: 'AUC', config }, [8], [8])
    expect(() => bad({ steps: 3 })).toThrow(/metric AUC has no "steps"/)
    const one = bad({ num_thresholds: 1 })
    expect(() => one.def.state(one.config, { dtype: 'float32', shape: [8] })).toThrow(/whole number over 1, received 1/)
    expect(() => metricRegistry.resolve('toString')).toThrow(/unknown metric/)
    const thresholds = metricRegistry.resolve({ class_name: 'Recall', config: { thresholds: [0.5, 2] } })
    expect(() => thresholds.def.state(thresholds.config, { dtype: 'float32', shape: [8] })).toThrow(
      /numbers from 0 to 1, received \[0.5,2\]/,
    )
  })
})
