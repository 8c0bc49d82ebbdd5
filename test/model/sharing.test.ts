import { describe, expect, test } from 'vitest'
import { input, type Layer, layers, Model, optimizers, setRandomSeed, tensor } from '../../src/index.ts'
import { philoxNumbers } from './data.ts'

const ROWS = 40
const x = tensor(philoxNumbers(1, ROWS * 4), { shape: [ROWS, 4] })
const y = tensor(philoxNumbers(2, ROWS * 2), { shape: [ROWS, 2] })
const quiet = { batchSize: 8, shuffle: false, verbose: 0 } as const

/** Two models over one hidden layer, each with a head of its own, and one that only looks at the hidden layer. */
function siblings() {
  setRandomSeed(4)
  const entrance = input({ shape: [4] })
  const hidden = layers.dense({ units: 3, activation: 'tanh', name: 'hidden' })
  const middle = hidden(entrance)
  const withHead = (name: string): Model => {
    const model = new Model({ inputs: entrance, outputs: layers.dense({ units: 2, name })(middle) })
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss: 'mse' })
    return model
  }
  return {
    hidden,
    first: withHead('first'),
    second: withHead('second'),
    view: new Model({ inputs: entrance, outputs: middle }),
  }
}

function numbers(layer: Layer): number[][] {
  return layer.getWeights().map(({ data }) => [...(data as Float32Array)])
}

describe('layers that models share', () => {
  test('a model sees what another has taught its layers', async () => {
    const { first, view } = siblings()
    const before = (await view.predict(x)).toArray()
    await first.fit(x, y, quiet)
    const after = (await view.predict(x)).toArray()
    expect(after).not.toEqual(before)
    await first.fit(x, y, quiet)
    expect((await view.predict(x)).toArray()).not.toEqual(after)
  })

  test('models trained in turns are trained on the same weights', async () => {
    const { first, second, hidden } = siblings()
    const steps: number[][][] = []
    for (const model of [first, second, first, second]) {
      await model.trainOnBatch(x, y)
      steps.push(numbers(hidden))
    }
    expect(new Set(steps.map((weights) => JSON.stringify(weights))).size).toBe(4)
    // The losses of a fresh pair that hands its weights over by hand.
    const apart = [siblings(), siblings()] as const
    for (const [i, model] of [apart[0].first, apart[1].second, apart[0].first, apart[1].second].entries()) {
      const [own, other] = i % 2 === 0 ? apart : [apart[1], apart[0]]
      own.hidden.setWeights(other.hidden.getWeights())
      await model.trainOnBatch(x, y)
      expect(numbers(own.hidden)).toEqual(steps[i])
    }
  })

  test('one may be trained in a callback of the other, and be disposed of', async () => {
    const { first, second, hidden } = siblings()
    const seen: number[][][] = []
    await first.fit(x, y, {
      ...quiet,
      callbacks: [
        {
          async onTrainBatchEnd() {
            seen.push(numbers(hidden))
            await second.trainOnBatch(x, y)
            seen.push(numbers(hidden))
          },
        },
      ],
    })
    expect(new Set(seen.map((weights) => JSON.stringify(weights))).size).toBe(10)
    await first.dispose()
    expect(numbers(hidden)).toEqual(seen.at(-1))
    await second.trainOnBatch(x, y)
    expect(numbers(hidden)).not.toEqual(seen.at(-1))
  })
})
