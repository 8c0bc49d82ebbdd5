import { describe, expect, test } from 'vitest'
import { layers, type Model, modelFromDoc, RekindleError, Sequential, setRandomSeed, tensor } from '../../src/index.ts'
import { branchingTargets as both, branching } from './branching.ts'
import { philoxNumbers } from './data.ts'

const ROWS = 96
const x = tensor(philoxNumbers(1, ROWS * 6), { shape: [ROWS, 6] })
const labels = Int32Array.from({ length: ROWS }, (_, i) =>
  ((x.data as Float32Array)[i * 6] as number) > 0.5 ? 1 : i % 3,
)

function classifier(): Sequential {
  setRandomSeed(7)
  const model = new Sequential([
    layers.dense({ units: 8, activation: 'relu', inputShape: [6] }),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ])
  model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
  return model
}

function weightsOf(model: Model): number[][] {
  return model.getWeights().map((weight) => [...(weight.data as Float32Array)])
}

describe('fit', () => {
  test('lowers the loss and reports Keras names in Keras order', async () => {
    const { history, epoch } = await classifier().fit(x, labels, {
      epochs: 12,
      batchSize: 16,
      seed: 1,
      verbose: 0,
      validationSplit: 0.25,
    })
    expect(Object.keys(history)).toEqual(['accuracy', 'loss', 'val_accuracy', 'val_loss'])
    expect(epoch).toEqual(Array.from({ length: 12 }, (_, i) => i))
    const loss = history.loss as number[]
    expect(loss.at(-1) as number).toBeLessThan((loss[0] as number) * 0.95)
  })

  test('repeats bit for bit with a seed, and differs with another', async () => {
    const run = async (seed: number) => {
      const model = classifier()
      const { history } = await model.fit(x, labels, { epochs: 3, batchSize: 10, seed, verbose: 0 })
      return { history, weights: weightsOf(model) }
    }
    const [first, again, other] = [await run(5), await run(5), await run(6)]
    expect(again).toEqual(first)
    expect(other.weights).not.toEqual(first.weights)
  })

  test.each([
    ['classifier', classifier, labels],
    ['branching', branching, both],
  ] as const)('%s: two epochs, a document, two more equal four, bit for bit', async (_, build, y) => {
    const whole = build()
    const unbroken = await whole.fit(x, y, { epochs: 4, batchSize: 10, seed: 5, verbose: 0 })
    const first = build()
    await first.fit(x, y, { epochs: 2, batchSize: 10, seed: 5, verbose: 0 })
    const resumed = await modelFromDoc(await first.toDoc())
    const rest = await resumed.fit(x, y, { epochs: 4, initialEpoch: 2, batchSize: 10, verbose: 0 })
    expect(weightsOf(resumed)).toEqual(weightsOf(whole))
    for (const [name, values] of Object.entries(rest.history)) expect(values).toEqual(unbroken.history[name]?.slice(2))
  })

  test('stopped inside an epoch and resumed equals the unbroken run, history included', async () => {
    const whole = classifier()
    const unbroken = await whole.fit(x, labels, { epochs: 3, batchSize: 10, seed: 9, verbose: 0 })
    const model = classifier()
    const stop = {
      onTrainBatchEnd: (batch: number) => {
        model.stopTraining = model.runState?.epoch === 1 && batch === 3
      },
    }
    await model.fit(x, labels, { epochs: 3, batchSize: 10, seed: 9, verbose: 0, callbacks: [stop] })
    expect(model.runState).toMatchObject({ epoch: 1, stepInEpoch: 4 })
    const resumed = await modelFromDoc(await model.toDoc())
    const rest = await resumed.fit(x, labels, { epochs: 3, initialEpoch: 1, batchSize: 10, verbose: 0 })
    expect(weightsOf(resumed)).toEqual(weightsOf(whole))
    expect(rest.history.loss).toEqual(unbroken.history.loss?.slice(1))
    expect(rest.history.accuracy).toEqual(unbroken.history.accuracy?.slice(1))
  })

  test('a signal stops after the step at hand and leaves a model that goes on', async () => {
    const model = classifier()
    const controller = new AbortController()
    const stop = { onTrainBatchEnd: (batch: number) => batch === 2 && controller.abort() }
    const running = model.fit(x, labels, {
      epochs: 3,
      batchSize: 10,
      seed: 1,
      verbose: 0,
      callbacks: [stop as never],
      signal: controller.signal,
    })
    await expect(running).rejects.toMatchObject({ code: 'E_ABORTED' })
    expect(model.runState).toMatchObject({ step: 3, stepInEpoch: 3 })
    await model.fit(x, labels, { epochs: 1, batchSize: 10, verbose: 0 })
    expect(model.runState).toMatchObject({ step: 10, epoch: 1, stepInEpoch: 0 })
  })

  test('takes streams of batches', async () => {
    const stream = async function* () {
      for (let i = 0; i < ROWS; i += 24) yield { x: x.rows(i, i + 24), y: labels.subarray(i, i + 24) }
    }
    const model = classifier()
    const plain = classifier()
    const a = await model.fit(stream, undefined, { epochs: 2, seed: 1, verbose: 0 })
    const b = await plain.fit(x, labels, { epochs: 2, batchSize: 24, shuffle: false, seed: 1, verbose: 0 })
    expect(a.history).toEqual(b.history)
    expect(weightsOf(model)).toEqual(weightsOf(plain))
  })

  test('the learning rate can be set in mid-training', async () => {
    const model = classifier()
    await model.fit(x, labels, { epochs: 1, seed: 1, verbose: 0 })
    const before = weightsOf(model)
    model.optimizer.learningRate = 0
    await model.fit(x, labels, { epochs: 1, verbose: 0 })
    expect(weightsOf(model)).toEqual(before)
  })

  test('a frozen layer keeps its weights', async () => {
    const model = classifier()
    const frozen = model.layers[0] as (typeof model.layers)[number]
    frozen.trainable = false
    const before = frozen.getWeights().map(({ data }) => [...(data as Float32Array)])
    await model.fit(x, labels, { epochs: 2, seed: 1, verbose: 0 })
    expect(frozen.getWeights().map(({ data }) => [...(data as Float32Array)])).toEqual(before)
  })

  test('class weights are sample weights by label', async () => {
    const weights = Float32Array.from(labels, (label) => (label === 1 ? 3 : 1))
    const [a, b] = [classifier(), classifier()]
    const first = await a.fit(x, labels, { epochs: 2, seed: 1, verbose: 0, classWeight: { 1: 3 } })
    const second = await b.fit(x, labels, { epochs: 2, seed: 1, verbose: 0, sampleWeight: weights })
    expect(first.history).toEqual(second.history)
  })

  test('trainOnBatch is a step of fit', async () => {
    const [a, b] = [classifier(), classifier()]
    await a.fit(x, labels, { epochs: 1, batchSize: ROWS, shuffle: false, seed: 4, verbose: 0 })
    b.runState = { seed: 4, step: 0, epoch: 0, stepInEpoch: 0 }
    await b.trainOnBatch(x, labels)
    expect(weightsOf(b)).toEqual(weightsOf(a))
  })

  test('predict during and after fit sees the weights of the last whole step', async () => {
    const model = classifier()
    const seen: number[][] = []
    const look = {
      onEpochEnd: async () => void seen.push([...((await model.predict(x.rows(0, 2))).data as Float32Array)]),
    }
    await model.fit(x, labels, { epochs: 2, seed: 1, verbose: 0, callbacks: [look] })
    expect(seen[1]).toEqual([...((await model.predict(x.rows(0, 2))).data as Float32Array)])
    expect(seen[0]).not.toEqual(seen[1])
    await model.dispose()
    expect([...((await model.predict(x.rows(0, 2))).data as Float32Array)]).toEqual(seen[1])
  })
})

describe('what fit refuses, before the first step', () => {
  const cases: readonly [string, () => Promise<unknown>, string, RegExp][] = [
    [
      'no compile',
      () => new Sequential([layers.dense({ units: 1, inputShape: [6] })]).fit(x, labels),
      'E_INVALID_STATE',
      /not compiled/,
    ],
    [
      'another width',
      () => classifier().fit(tensor(new Float32Array(20), { shape: [4, 5] }), labels.subarray(0, 4)),
      'E_INVALID_SHAPE',
      /\[N, 6\].*\[4, 5\]/,
    ],
    ['another number of rows', () => classifier().fit(x, labels.subarray(0, 5)), 'E_INVALID_DATA', /96.*5/],
    [
      'a label out of range',
      () =>
        classifier().fit(
          x,
          labels.map((v, i) => (i === 4 ? 3 : v)),
        ),
      'E_INVALID_DATA',
      /0 to 2.*3/,
    ],
    [
      'one-hot labels',
      () => classifier().fit(x, tensor(new Float32Array(ROWS * 3), { shape: [ROWS, 3] })),
      'E_INVALID_SHAPE',
      /class numbers.*categorical_crossentropy/,
    ],
    [
      'no rows',
      () => classifier().fit(tensor(new Float32Array(0), { shape: [0, 6] }), new Int32Array(0)),
      'E_INVALID_DATA',
      /empty/,
    ],
    ['a bad batch size', () => classifier().fit(x, labels, { batchSize: 0 }), 'E_INVALID_ARGUMENT', /batch size/],
  ]
  test.each(cases)('%s', async (_, run, code, message) => {
    const error = await run().then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(RekindleError)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('unknown names list the known ones', () => {
    const model = classifier()
    expect(() => model.compile({ optimizer: 'adamm', loss: 'mse' })).toThrow(/adamm.*adam/)
    expect(() => model.compile({ optimizer: 'adam', loss: 'msee' })).toThrow(/msee.*mean_squared_error/)
  })

  test('a loss that is no number stops with the weights of the step before', async () => {
    const model = new Sequential([layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })])
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    const bad = tensor(Float32Array.of(1, 2, Number.NaN, 1), { shape: [2, 2] })
    const before = weightsOf(model)
    await expect(model.fit(bad, [1, 2], { verbose: 0 })).rejects.toMatchObject({ code: 'E_NOT_FINITE' })
    expect(weightsOf(model)).toEqual(before)
  })
})

describe('losses that follow from shapes', () => {
  const build = (): Sequential => {
    setRandomSeed(2)
    const model = new Sequential([layers.dense({ units: 3, activation: 'softmax', inputShape: [6] })])
    model.compile({ optimizer: 'sgd', loss: 'crossentropy', metrics: ['accuracy'] })
    return model
  }
  const options = { epochs: 1, batchSize: 24, shuffle: false, seed: 1, verbose: 0 } as const

  test('class numbers, one-hot rows and streams of them give the same', async () => {
    const oneHot = tensor(
      Float32Array.from({ length: ROWS * 3 }, (_, i) => (labels[Math.floor(i / 3)] === i % 3 ? 1 : 0)),
      {
        shape: [ROWS, 3],
      },
    )
    const stream = async function* () {
      for (let i = 0; i < ROWS; i += 24) yield { x: x.rows(i, i + 24), y: labels.subarray(i, i + 24) }
    }
    const sparse = await build().fit(x, labels, options)
    const dense = await build().fit(x, oneHot, options)
    const streamed = await build().fit(stream, undefined, options)
    expect(streamed.history).toEqual(sparse.history)
    expect(dense.history.loss?.[0]).toBeCloseTo(sparse.history.loss?.[0] as number, 5)
    expect(dense.history.accuracy).toEqual(sparse.history.accuracy)
  })

  test('a model without a loss cannot be trained', async () => {
    const model = build()
    model.compile({ optimizer: 'sgd' })
    await expect(model.fit(x, labels, options)).rejects.toMatchObject({ code: 'E_INVALID_STATE' })
  })
})
