import { describe, expect, test } from 'vitest'
import {
  type ErrorCode,
  initializers,
  input,
  layers,
  losses,
  Model,
  metrics,
  optimizers,
  RekindleError,
  regularizers,
  Sequential,
  setRandomSeed,
  tensor,
} from '../../src/index.ts'

/** What a JavaScript program may write: the types would refuse most of it. */
type Untyped = (...args: unknown[]) => unknown
const untyped = (target: object): Untyped => target as Untyped

const x = tensor(new Float32Array(40), { shape: [10, 4] })
const y = Int32Array.from({ length: 10 }, (_, i) => i % 3)

function model(compile: object = {}): Sequential {
  const made = new Sequential([layers.dense({ units: 3, activation: 'softmax', inputShape: [4] })])
  made.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', ...compile })
  return made
}

const trained = (options: unknown) => () => model().fit(x, y, options as never)
const dense = (options: unknown) => () => untyped(layers.dense)(options)

const MISUSES: readonly (readonly [what: string, run: () => unknown, code: ErrorCode, message: RegExp])[] = [
  ['an option misspelt', dense({ unit: 3 }), 'E_INVALID_ARGUMENT', /no option unit; expected units/],
  ['a number for options', dense(3), 'E_INVALID_ARGUMENT', /takes an object of options; received 3/],
  ['null for options', dense(null), 'E_INVALID_ARGUMENT', /takes an object of options; received null/],
  ['no units', dense(undefined), 'E_INVALID_CONFIG', /needs units/],
  ['an unknown activation', dense({ units: 3, activation: 'relo' }), 'E_UNSUPPORTED_LAYER', /"relo"; expected one of/],
  ['a function for one', dense({ units: 3, activation: Math.tanh }), 'E_INVALID_CONFIG', /received a function$/],
  [
    'an unknown initializer',
    dense({ units: 3, biasInitializer: 'glorot' }),
    'E_UNSUPPORTED_OPTION',
    /initializer "glorot"/,
  ],
  ['an unknown regularizer', dense({ units: 3, kernelRegularizer: 'l3' }), 'E_UNSUPPORTED_OPTION', /regularizer "l3"/],
  ['no constraint', dense({ units: 3, kernelConstraint: {} }), 'E_INVALID_CONFIG', /names no constraint/],
  ['a number for a name', dense({ units: 3, name: 7 }), 'E_INVALID_ARGUMENT', /bad name of a Dense.*received 7/],
  ['a text for a flag', dense({ units: 3, trainable: 'no' }), 'E_INVALID_ARGUMENT', /true or false, received "no"/],
  ['a number for a shape', dense({ units: 3, inputShape: 4 }), 'E_INVALID_CONFIG', /not a shape.*received 4/],
  ['NaN', () => layers.dropout({ rate: Number.NaN }), 'E_INVALID_CONFIG', /received NaN/],
  ['input without options', () => untyped(input)(), 'E_INVALID_ARGUMENT', /input: no options/],
  ['an input misspelt', () => untyped(input)({ shap: [3] }), 'E_INVALID_ARGUMENT', /no option shap/],
  ['a layer called on a number', () => untyped(layers.flatten())(3), 'E_INVALID_ARGUMENT', /not a symbolic tensor/],
  ['on a tensor', () => untyped(layers.flatten())(x), 'E_INVALID_ARGUMENT', /received a tensor of numbers/],
  ['on a layer', () => untyped(layers.flatten())(layers.flatten()), 'E_INVALID_ARGUMENT', /\(call it: layer\(x\)\)/],
  ['on nothing', () => untyped(layers.flatten())(), 'E_INVALID_ARGUMENT', /received nothing/],
  ['a Sequential of a layer', () => new Sequential(layers.flatten() as never), 'E_INVALID_ARGUMENT', /not a list/],
  ['of numbers', () => new Sequential([3] as never), 'E_INVALID_ARGUMENT', /not a layer; received 3/],
  ['a model of nothing', () => new Model(undefined as never), 'E_INVALID_ARGUMENT', /expected { inputs, outputs }/],
  ['without outputs', () => new Model({ inputs: input({ shape: [3] }) } as never), 'E_INVALID_ARGUMENT', /^outputs/],
  [
    'that begins inside another',
    () => {
      const h = layers.flatten()(input({ shape: [3] }))
      return new Model({ inputs: h, outputs: layers.dense({ units: 2 })(h) })
    },
    'E_UNSUPPORTED_OPTION',
    /begin at inputs only/,
  ],
  ['compile misspelt', () => model({ optimiser: 'adam' }), 'E_INVALID_ARGUMENT', /no option optimiser; expected optim/],
  ['a factory uncalled', () => model({ optimizer: optimizers.adam }), 'E_INVALID_CONFIG', /received a function$/],
  ['a plain learning rate', () => untyped(optimizers.adam)(0.1), 'E_INVALID_ARGUMENT', /an object of options/],
  ['a text for a number', () => untyped(regularizers.l2)('much'), 'E_INVALID_ARGUMENT', /received "much"/],
  [
    'a text for a flag of a loss',
    () => model({ loss: untyped(losses.binaryCrossentropy)({ fromLogits: 'yes' }) }),
    'E_INVALID_CONFIG',
    /from_logits of BinaryCrossentropy; expected true or false/,
  ],
  [
    'a text for a threshold',
    () => model({ metrics: [untyped(metrics.binaryAccuracy)({ threshold: 'half' })] }),
    'E_INVALID_CONFIG',
    /threshold of BinaryAccuracy; expected a number/,
  ],
  [
    'a text for a deviation',
    () =>
      untyped(layers.dense)({ units: 3, kernelInitializer: untyped(initializers.randomNormal)({ stddev: 'wide' }) }),
    'E_INVALID_CONFIG',
    /stddev of RandomNormal; expected a number/,
  ],
  ['fit misspelt', trained({ epoch: 3 }), 'E_INVALID_ARGUMENT', /fit: there is no option epoch; expected epochs/],
  ['null for fit options', trained(null), 'E_INVALID_ARGUMENT', /fit: no options.*received null/],
  ['half an epoch', trained({ epochs: 1.5 }), 'E_INVALID_ARGUMENT', /epochs.*received 1.5/],
  ['half a seed', trained({ seed: 1.5 }), 'E_INVALID_ARGUMENT', /not a seed/],
  ['a flag for verbose', trained({ verbose: true }), 'E_INVALID_ARGUMENT', /verbose.*received true/],
  ["Keras's batch shuffle", trained({ shuffle: 'batch' }), 'E_INVALID_ARGUMENT', /shuffle.*true or false/],
  ['a single callback', trained({ callbacks: {} }), 'E_INVALID_ARGUMENT', /callbacks.*a list of objects/],
  ['no method', trained({ callbacks: [{ onEpochEnd: 3 }] }), 'E_INVALID_ARGUMENT', /a function onEpochEnd, received 3/],
  ['no signal', trained({ signal: 3 }), 'E_INVALID_ARGUMENT', /AbortSignal/],
  ['a class by name', trained({ classWeight: { cat: 1 } }), 'E_INVALID_ARGUMENT', /classWeight.*received cat: 1/],
  ['a class of no weight', trained({ classWeight: { 0: 'a' } }), 'E_INVALID_ARGUMENT', /received 0: "a"/],
  ['predict misspelt', () => model().predict(x, { batch: 3 } as never), 'E_INVALID_ARGUMENT', /no option batch/],
  ['two arrays for one', () => model().predict([x, x]), 'E_INVALID_DATA', /a list of 2 tensors/],
  ['no weights', () => model().setWeights(undefined as never), 'E_INVALID_ARGUMENT', /not a list of weights/],
  ['no era', () => model().save('never.h5', { era: 'keras9' } as never), 'E_INVALID_ARGUMENT', /expected common/],
  ['no dtype', () => tensor([1], { dtype: 'float99' as never }), 'E_INVALID_DTYPE', /received float99/],
  ['a negative seed', () => setRandomSeed(-1), 'E_INVALID_ARGUMENT', /not a seed.*received -1/],
]

describe('misuse is refused in one clear line', () => {
  test.each(MISUSES)('%s', async (_, run, code, message) => {
    const error = await new Promise((resolve) => resolve(run())).then(
      () => expect.fail('nothing was thrown'),
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(RekindleError)
    const { code: given, message: text } = error as RekindleError
    expect(given).toBe(code)
    expect(text).toMatch(message)
    expect(text).not.toContain('\n')
  })
})

test('predict takes a stream, and the verbose of old habits', async () => {
  const made = model()
  const batches = async function* () {
    yield { x: x.rows(0, 3) }
    yield [x.rows(3, 10)] as const
  }
  expect((await made.predict(batches(), { verbose: 0 })).toArray()).toEqual((await made.predict(x)).toArray())
})
