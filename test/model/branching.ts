import { input, layers, Model, setRandomSeed, tensor } from '../../src/index.ts'
import { philoxNumbers } from './data.ts'

const ROWS = 96

/** Rows of six features. */
export const branchingFeatures = tensor(philoxNumbers(1, ROWS * 6), { shape: [ROWS, 6] })

/** A shared layer, a model inside, batch normalization, dropout, two outputs. */
export function branching(): Model {
  setRandomSeed(3)
  const entrance = input({ shape: [6], name: 'features' })
  const inside = input({ shape: [8], name: 'inside' })
  const encoder = new Model({
    inputs: inside,
    outputs: layers.batchNormalization({ name: 'norm' })(
      layers.dense({ units: 5, activation: 'tanh', name: 'code' })(inside),
    ),
    name: 'encoder',
  })
  const shared = layers.dense({ units: 8, activation: 'relu', name: 'shared' })
  const mapped = layers.dense({ units: 6, name: 'map' })(entrance)
  const left = encoder.call(layers.dropout({ rate: 0.3, name: 'drop' })(shared(entrance))) as typeof entrance
  const right = encoder.call(shared(mapped)) as typeof entrance
  const model = new Model({
    inputs: entrance,
    outputs: [
      layers.dense({ units: 3, activation: 'softmax', name: 'kind' })(left),
      layers.dense({ units: 1, name: 'size' })(right),
    ],
    name: 'branching',
  })
  model.compile({
    optimizer: 'rmsprop',
    loss: { kind: 'sparse_categorical_crossentropy', size: 'mse' },
    lossWeights: { kind: 1, size: 0.5 },
    metrics: { kind: 'accuracy', size: 'mae' },
  })
  return model
}

/** Targets of 96 rows. */
export const branchingTargets = {
  kind: Int32Array.from({ length: ROWS }, (_, i) => (i * 5) % 3),
  size: tensor(philoxNumbers(2, ROWS), { shape: [ROWS, 1] }),
}
