import { describe, expect, it } from 'vitest'
import { openHdf5 } from '../../src/bytes/hdf5/index.ts'
import { toSource } from '../../src/bytes/index.ts'
import { input, layers, loadModel, Model, metrics, modelBytes, Sequential } from '../../src/index.ts'

/** A model inside with statistics between its trained weights, and one layer frozen. */
function nested(): Model {
  const inner = new Sequential(
    [
      layers.dense({ units: 3, name: 'first', inputShape: [2] }),
      layers.batchNormalization({ name: 'norm' }),
      layers.dense({ units: 3, name: 'still', trainable: false }),
      layers.dense({ units: 2, name: 'last' }),
    ],
    { name: 'inner' },
  )
  const x = input({ shape: [2], name: 'x' })
  return new Model({ inputs: x, outputs: layers.dense({ units: 1, name: 'out' })(inner.call(x) as typeof x) })
}

describe('weights in .h5', () => {
  it.each([
    ['common', (layer: string, weight: string) => `${layer}/${weight}:0`],
    ['keras3', (layer: string, weight: string) => `inner/${layer}/${weight}`],
  ] as const)('stand trained ones first, through models inside, as Keras counts them: %s', async (era, named) => {
    const bytes = await modelBytes(await nested().toDoc(), 'h5', { era })
    const file = await openHdf5(await toSource(bytes))
    const group = await file.root.group('model_weights/inner')
    const trained = [named('first', 'kernel'), named('first', 'bias'), named('norm', 'gamma'), named('norm', 'beta')]
    const rest = ['norm/moving_mean', 'norm/moving_variance', 'still/kernel', 'still/bias']
    expect((await group?.attributes())?.get('weight_names')).toEqual([
      ...trained,
      named('last', 'kernel'),
      named('last', 'bias'),
      ...rest.map((name) => named(...(name.split('/') as [string, string]))),
    ])
  })
})

describe('settings that Keras takes as floats only', () => {
  it.each(['h5', 'keras'])('are written with a point: beta of an F-score in .%s', async (format) => {
    const model = nested()
    model.compile({ loss: 'mse', metrics: [metrics.fBetaScore({ beta: 2, threshold: 1 })] })
    const text = new TextDecoder('latin1').decode(await modelBytes(await model.toDoc(), format))
    expect(text).toMatch(/"beta": 2\.0/)
    expect(text).toMatch(/"threshold": 1\.0/)
  })
})

describe('names with a slash', () => {
  it.each([
    ['keras', {}, ['inner/one', 'a/b']],
    ['h5', {}, ['inner/one', 'a/b']],
    ['h5', { era: 'keras3' }, ['inner/one', 'a/b']],
    ['h5', { era: 'keras2' }, []],
  ] as const)('are told where Keras 3 refuses them: %s %o', async (format, options, expected) => {
    const inner = new Sequential([layers.dense({ units: 2, name: 'a/b', inputShape: [2] })], { name: 'inner/one' })
    const x = input({ shape: [2] })
    const model = new Model({ inputs: x, outputs: inner.call(x) as typeof x })
    const told: (string | undefined)[] = []
    const bytes = await modelBytes(await model.toDoc(), format, {
      ...options,
      onWarning: ({ code, where }) => {
        if (code === 'name-refused') told.push(where)
      },
    })
    expect([...new Set(told)]).toEqual(expected)
    expect((await loadModel(bytes)).layers[1]?.name).toBe('inner/one')
  })
})

describe('activations that only Keras 3 knows', () => {
  it.each([
    ['keras', {}, []],
    ['h5', {}, ['tf-keras opens no file with the activation squareplus']],
    ['h5', { era: 'keras2' }, ['tf-keras opens no file with the activation squareplus']],
    ['h5', { era: 'keras3' }, []],
  ] as const)('are told where tf-keras refuses them: %s %o', async (format, options, expected) => {
    const inner = new Sequential([layers.dense({ units: 2, activation: 'squareplus', inputShape: [2] })])
    const x = input({ shape: [2] })
    const model = new Model({ inputs: x, outputs: inner.call(x) as typeof x })
    const told: string[] = []
    await modelBytes(await model.toDoc(), format, { ...options, onWarning: ({ message }) => told.push(message) })
    expect(told).toEqual(expected)
  })
})
