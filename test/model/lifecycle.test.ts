import { describe, expect, test } from 'vitest'
import { layers, type Model, Sequential, setRandomSeed, tensor } from '../../src/index.ts'
import { philoxNumbers } from './data.ts'

const ROWS = 60
const x = tensor(philoxNumbers(1, ROWS * 4), { shape: [ROWS, 4] })
const y = tensor(philoxNumbers(2, ROWS * 2), { shape: [ROWS, 2] })
const quiet = { batchSize: 10, seed: 1, verbose: 0 } as const

function chain(): Sequential {
  setRandomSeed(5)
  const model = new Sequential([
    layers.dense({ units: 5, activation: 'tanh', inputShape: [4] }),
    layers.dropout({ rate: 0.2 }),
    layers.dense({ units: 2 }),
  ])
  model.compile({ optimizer: 'adam', loss: 'mse' })
  return model
}

function weights(model: Model): number[][] {
  return model.getWeights().map(({ data }) => [...(data as Float32Array)])
}

const inTraining = expect.objectContaining({
  code: 'E_INVALID_STATE',
  message: expect.stringContaining('in training'),
})

describe('a model between its calls', () => {
  test('predicts with the layers that it has now', async () => {
    const model = new Sequential([layers.dense({ units: 3, inputShape: [4] })])
    expect((await model.predict(x)).shape).toEqual([ROWS, 3])
    model.add(layers.dense({ units: 7 }))
    expect((await model.predict(x)).shape).toEqual([ROWS, 7])
  })

  test('may grow after it was trained, and is compiled anew', async () => {
    const model = chain()
    await model.fit(x, y, quiet)
    const learned = weights(model)
    model.add(layers.dense({ units: 1 }))
    expect(model.isCompiled).toBe(false)
    expect(weights(model).slice(0, 4)).toEqual(learned)
    model.compile({ loss: 'mse' })
    await model.fit(x, philoxNumbers(3, ROWS), quiet)
    expect(weights(model)).not.toEqual(learned)
  })

  test('trains on after dispose as if nothing had been', async () => {
    const [kept, disposed] = [chain(), chain()]
    for (const model of [kept, disposed]) {
      await model.fit(x, y, quiet)
      if (model === disposed) await model.dispose()
      await model.fit(x, y, quiet)
    }
    expect(weights(disposed)).toEqual(weights(kept))
  })

  test('is disposed of at the end of its block', async () => {
    const outer = chain()
    {
      await using model = outer
      await model.fit(x, y, quiet)
    }
    expect((await outer.predict(x)).shape).toEqual([ROWS, 2])
  })

  test('takes a change of trainable into account, also where no weight is trained', async () => {
    setRandomSeed(6)
    const norm = layers.batchNormalization({ center: false, scale: false })
    const model = new Sequential([layers.dense({ units: 2, inputShape: [4] }), norm])
    model.compile({ loss: 'mse' })
    await model.fit(x, y, quiet)
    norm.trainable = false
    const before = norm.getWeights().map(({ data }) => [...(data as Float32Array)])
    await model.fit(x, y, quiet)
    expect(norm.getWeights().map(({ data }) => [...(data as Float32Array)])).toEqual(before)
  })
})

describe('during fit', () => {
  test('a layer thawed in a callback is trained from the next epoch on', async () => {
    const model = chain()
    const [first] = model.layers as [Model['layers'][number]]
    first.trainable = false
    const seen: string[] = []
    await model.fit(x, y, {
      ...quiet,
      epochs: 4,
      validationSplit: 0.2,
      callbacks: [
        {
          onEpochEnd(epoch) {
            if (epoch === 1) first.trainable = true
            seen.push(JSON.stringify(weights(model)[0]))
          },
        },
      ],
    })
    expect(seen[1]).toBe(seen[0])
    expect(new Set(seen).size).toBe(3)
  })

  test('prediction and evaluation change nothing', async () => {
    const [alone, watched] = [chain(), chain()]
    await alone.fit(x, y, { ...quiet, epochs: 3 })
    const looks = async () => {
      await watched.predict(x, { batchSize: 7 })
      await watched.evaluate(x, y)
    }
    const fit = watched.fit(x, y, { ...quiet, epochs: 3, callbacks: [{ onTrainBatchEnd: looks }] })
    await Promise.all([fit, ...Array.from({ length: 8 }, looks)])
    expect(weights(watched)).toEqual(weights(alone))
  })

  test('a second fit, compile and dispose are refused, and the first goes on', async () => {
    const [alone, disturbed] = [chain(), chain()]
    await alone.fit(x, y, { ...quiet, epochs: 2 })
    const fit = disturbed.fit(x, y, { ...quiet, epochs: 2 })
    await expect(disturbed.fit(x, y, quiet)).rejects.toEqual(inTraining)
    await expect(disturbed.dispose()).rejects.toEqual(inTraining)
    expect(() => disturbed.compile({ loss: 'mae' })).toThrow(inTraining)
    await fit
    expect(weights(disturbed)).toEqual(weights(alone))
    await disturbed.dispose()
  })
})
