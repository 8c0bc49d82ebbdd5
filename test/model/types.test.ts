import { describe, expect, test } from 'vitest'
import { input, layers, losses, Model, metrics, optimizers, regularizers, Sequential } from '../../src/index.ts'

/** `npm run types` checks the `@ts-expect-error` lines: each of them must be an error of the compiler too. */
describe('what is misspelt is an error of the compiler and of the program', () => {
  const model = new Sequential([layers.dense({ units: 2, inputShape: [3] })])

  test('layers', () => {
    // @ts-expect-error
    expect(() => layers.dense({ unit: 3 })).toThrow()
    // @ts-expect-error
    expect(() => layers.dense({ units: '3' })).toThrow()
    // @ts-expect-error
    expect(() => layers.dense({})).toThrow()
    // @ts-expect-error
    expect(() => layers.dropout()).toThrow()
  })

  test('factories', () => {
    // @ts-expect-error
    expect(() => optimizers.adam({ lr: 0.1 })).toThrow()
    // @ts-expect-error
    expect(() => optimizers.sgd({ beta1: 0.1 })).toThrow()
    // @ts-expect-error
    expect(() => losses.binaryCrossentropy({ fromLogit: true })).toThrow()
    // @ts-expect-error
    expect(() => metrics.auc({ curv: 'PR' })).toThrow()
    // @ts-expect-error
    expect(() => regularizers.l2({ l3: 0.1 })).toThrow()
    // @ts-expect-error
    expect(() => model.compile({ loss: losses.meanSquaredError({ reduction: 'average' }) })).toThrow()
  })

  test('methods', async () => {
    // @ts-expect-error
    expect(() => model.compile({ optimiser: 'adam' })).toThrow()
    model.compile({ loss: 'mse' })
    // @ts-expect-error
    await expect(model.fit([[1, 2, 3]], [[1, 2]], { epoch: 3 })).rejects.toThrow()
    // @ts-expect-error
    await expect(model.fit([[1, 2, 3]], [[1, 2]], { verbose: 3 })).rejects.toThrow()
    // @ts-expect-error
    await expect(model.predict([[1, 2, 3]], { batch: 3 })).rejects.toThrow()
  })
})

test('the normal program needs no casts', async () => {
  const x = input({ shape: [3] })
  const inner = new Model({ inputs: x, outputs: layers.dense({ units: 4, activation: 'relu' })(x) })
  const model = new Model({ inputs: x, outputs: layers.dense({ units: 2 })(inner(x)) })
  model.compile({ optimizer: optimizers.adam({ learningRate: 0.01, beta1: 0.8 }), loss: 'mse', metrics: ['mae'] })
  const { history } = await model.fit([[1, 2, 3]], [[0, 1]], { verbose: 0 })
  const first: number | undefined = history.loss?.[0]
  expect(first).toBeGreaterThan(0)
  const prediction = await model.predict(Float32Array.of(1, 2, 3))
  const numbers: Float32Array = prediction.data
  expect(numbers.indexOf(Math.max(...prediction.data))).toBeGreaterThanOrEqual(0)
  model.optimizer.learningRate *= 0.5
  expect(model.optimizer.learningRate).toBe(0.005)
})
