import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type CompileOptions,
  cloneModel,
  input,
  layers,
  Model,
  modelFromJson,
  modelToJson,
  optimizers,
  Sequential,
  type Tensor,
  tensor,
} from '../../src/index.ts'

interface Stored {
  readonly dtype: 'float32' | 'int32'
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

interface Run {
  readonly form: 'dict' | 'list'
  readonly weighted: boolean
  /** By output. */
  readonly settings: { readonly [option: string]: Readonly<Record<string, never>> }
  readonly names: readonly string[]
  readonly history: Readonly<Record<string, readonly number[]>>
  readonly predictions: Readonly<Record<string, Stored>>
  readonly architecture: object | null
}

const facts = JSON.parse(readFileSync(new URL('../fixtures/model/several-outputs.json', import.meta.url), 'utf8')) as {
  readonly batchSize: number
  readonly x: Readonly<Record<string, Stored>>
  readonly y: Readonly<Record<string, Stored>>
  readonly sampleWeight: Stored
  readonly start: readonly Stored[]
  readonly runs: readonly Run[]
}

const read = ({ dtype, shape, values }: Stored): Tensor =>
  tensor((dtype === 'int32' ? Int32Array : Float32Array).from(values), { shape })
const readAll = (record: Readonly<Record<string, Stored>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(record).map(([name, stored]) => [name, read(stored)]))

const [x, y, start] = [readAll(facts.x), readAll(facts.y), facts.start.map(read)]

/** The model of `scripts/fixtures/several_outputs.py`. */
function build(form: Run['form']): Model {
  const b = input({ shape: [3], name: 'b' })
  const a = input({ shape: [2], name: 'a' })
  const left = layers.dense({ units: 4, activation: 'tanh', name: 'left' })(b)
  const right = layers.dense({ units: 4, activation: 'tanh', name: 'right' })(a)
  const inside = input({ shape: [4], name: 'inside' })
  const heads = new Model({
    inputs: inside,
    outputs: {
      z: layers.dense({ units: 3, activation: 'softmax', name: 'kind' })(inside),
      m: layers.dense({ units: 2, name: 'size' })(inside),
    },
    name: 'heads',
  })
  const made = heads.call(left) as { readonly [name in 'z' | 'm']: typeof left }
  const measure = layers.activation({ activation: 'linear', name: 'measure' })(made.m)
  const wide = layers.dense({ units: 8, name: 'wide', useBias: false, trainable: false, kernelInitializer: 'ones' })
  const both = layers.flatten({ name: 'flat' })(layers.reshape({ targetShape: [2, 4], name: 'grid' })(wide(right)))
  const coin = layers.dense({ units: 1, activation: 'sigmoid', name: 'coin' })(both)
  const outputs = { z: made.z, m: measure, c: coin }
  return new Model({ inputs: { b, a }, outputs: form === 'dict' ? outputs : Object.values(outputs), name: 'several' })
}

function setStart(model: Model): void {
  const heads = model.getLayer('heads') as Model
  for (const [owner, name, first] of [
    [model, 'left', 0],
    [model, 'right', 2],
    [heads, 'kind', 4],
    [heads, 'size', 6],
    [model, 'coin', 8],
  ] as const) {
    owner.getLayer(name).setWeights(start.slice(first, first + 2))
  }
}

async function expectRun(model: Model, { form, settings, weighted, ...expected }: Run): Promise<void> {
  setStart(model)
  const arranged = Object.entries(settings).map(([option, byOutput]) => [
    option.replace(/_(\w)/, (_, letter: string) => letter.toUpperCase()),
    form === 'dict' ? byOutput : Object.keys(y).map((name) => byOutput[name]),
  ])
  const optimizer = optimizers.sgd({ learningRate: 0.1, momentum: 0.5 })
  model.compile({ optimizer, ...(Object.fromEntries(arranged) as CompileOptions) })
  const targets = form === 'dict' ? y : Object.values(y)
  const { history } = await model.fit(x, targets, {
    batchSize: facts.batchSize,
    epochs: 2,
    shuffle: false,
    verbose: 0,
    validationData: [x, targets],
    ...(weighted && { sampleWeight: read(facts.sampleWeight) }),
  })
  expect(Object.keys(history)).toEqual(expected.names)
  for (const [name, values] of Object.entries(expected.history)) {
    for (const [epoch, value] of values.entries()) expect(history[name]?.[epoch]).toBeCloseTo(value, 4)
  }
  const names = form === 'dict' ? Object.keys(y).sort() : Object.keys(y)
  const predictions = await model.predictAll(x)
  names.forEach((name, i) => {
    const { shape, values } = expected.predictions[name] as Stored
    const prediction = predictions[i] as Tensor
    expect(prediction.shape).toEqual(shape)
    const numbers = [...(prediction.data as Float32Array)]
    expect(Math.max(...values.map((value, k) => Math.abs(value - (numbers[k] as number))))).toBeLessThan(1e-4)
  })
}

describe('a model of several outputs has the history of Keras', () => {
  test.each(facts.runs.map((run, i) => [i, run.form, run] as const))('run %i, a %s', (_, form, run) =>
    expectRun(build(form), run),
  )

  test('from the architecture that Keras wrote', async () => {
    const [run] = facts.runs as [Run]
    const model = modelFromJson(JSON.stringify(run.architecture))
    expect(model.getWeights()).toHaveLength(11)
    await expectRun(model, run)
    await expectRun(cloneModel(model), run)
    await expectRun(modelFromJson(modelToJson(model)), run)
    await expectRun(modelFromJson(JSON.stringify(model)), run)
  })
})

describe('names of inputs and outputs', () => {
  test('are the keys of dictionaries, else those of layers', () => {
    expect(build('dict').outputs.map(({ name }) => name)).toEqual(['c', 'm', 'z'])
    expect(build('list').outputs.map(({ name }) => name)).toEqual(['heads', 'measure', 'coin'])
    expect(build('list').inputs.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('lead the tensors of a call to the inputs of a model', () => {
    const wide = input({ shape: [4], name: 'wide' })
    const thin = input({ shape: [2], name: 'thin' })
    const inner = new Model({ inputs: [wide, thin], outputs: { z: wide, a: thin }, name: 'inner' })
    const [four, two] = [input({ shape: [4] }), input({ shape: [2] })]
    const shapes = { z: { shape: [null, 4] }, a: { shape: [null, 2] } }
    expect(inner.call([four, two])).toMatchObject(shapes)
    expect(inner.call({ thin: two, wide: four })).toMatchObject(shapes)
    expect(() => inner.call({ wide: four })).toThrow(
      /inner: the tensors of the call.*expected wide, thin, received wide/,
    )
    expect(() => inner.call(four)).toThrow(/received \[N, 4\]/)
    expect(() => inner.call([two, four])).toThrow(/does not fit the input wide; expected \[N, 4\], received \[N, 2\]/)
  })

  test('predict and predictOnBatch refuse to drop an output', async () => {
    const refusal = { code: 'E_INVALID_STATE', message: expect.stringContaining('predictAll') }
    await expect(build('list').predict(x)).rejects.toMatchObject(refusal)
    await expect(build('list').predictOnBatch(x)).rejects.toMatchObject(refusal)
  })
})

describe('weights', () => {
  test('do not share memory with what they were set from', async () => {
    const model = new Sequential([layers.batchNormalization({ inputShape: [2] })])
    const given = [1, 1, 0, 1].map((value) => tensor(new Float32Array(2).fill(value), { shape: [2] }))
    model.setWeights(given)
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    await model.fit([[5, 6]], [[0, 0]], { verbose: 0 })
    expect(given.map(({ data }) => [...(data as Float32Array)])).toEqual([
      [1, 1],
      [1, 1],
      [0, 0],
      [1, 1],
    ])
    expect(model.getWeights()[2]?.data).not.toEqual(new Float32Array(2))
  })
})

describe('a Sequential without an input shape', () => {
  const rows = [
    [1, 2],
    [3, 4],
  ]

  test('is compiled first and shaped by the first data', async () => {
    const model = new Sequential([layers.dense({ units: 3 })])
    model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] })
    expect(model.isCompiled).toBe(true)
    const { history } = await model.fit(
      rows,
      [
        [1, 1, 1],
        [2, 2, 2],
      ],
      { verbose: 0 },
    )
    expect(Object.keys(history)).toEqual(['loss', 'mae'])
    expect(model.inputs).toMatchObject([{ shape: [null, 2] }])
  })

  test('is built by a shape', () => {
    const model = new Sequential([layers.dense({ units: 3 })])
    model.build([null, 4])
    expect(model.getWeights().map(({ shape }) => shape)).toEqual([[4, 3], [3]])
  })

  test('says what is missing', () => {
    const model = new Sequential([layers.dense({ units: 3 })])
    expect(() => model.compile({ optimizer: 'adamm' })).toThrow(/unknown optimizer/)
    model.compile({ optimizer: 'adam', loss: 'mse' })
    expect(() => model.optimizer).toThrow(/input shape is not known yet/)
  })
})
