import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { modelBytes } from '../../src/formats/index.ts'
import { canonicalConfig } from '../../src/formats/keras/renames.ts'
import type { Value } from '../../src/graph/index.ts'
import { type Json, layers, loadModel, Model } from '../../src/index.ts'
import { input } from '../../src/model/input.ts'
import { Layer } from '../../src/model/layer.ts'
import { type Environment, lowerNetwork } from '../../src/model/lower.ts'
import { automaticName } from '../../src/model/names.ts'
import type { SymbolicTensor } from '../../src/model/symbolic.ts'
import type { Variable } from '../../src/model/variable.ts'
import { reduce } from '../../src/nn/formula.ts'
import { completeConfig, LAYERS } from '../../src/nn/layers/index.ts'
import { toCamelCase } from '../../src/nn/naming.ts'
import { createRandomStream, RANDOM_STATE } from '../../src/nn/random.ts'
import type { JsonObject, LayerDef } from '../../src/nn/types.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients } from '../../src/passes/index.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { type GoldenTensor, toTensor } from '../nn/golden.ts'
import { runGraph } from '../passes/run-graph.ts'

type OptionalTensors = readonly (GoldenTensor | null)[]

/** One layer and what real Keras computes with it. The keys are explained in `scripts/fixtures/layer_cases.py`. */
export interface LayerCase {
  readonly name: string
  readonly class_name: string
  readonly config: JsonObject
  readonly inputs: readonly GoldenTensor[]
  readonly kwargs?: NonNullable<Parameters<Layer['call']>[1]>
  readonly masks?: OptionalTensors
  readonly weights: readonly { readonly name: string; readonly trainable: boolean; readonly value: GoldenTensor }[]
  readonly output_shapes: readonly (readonly (number | null)[])[]
  readonly outputs: readonly GoldenTensor[]
  readonly output_masks?: OptionalTensors
  readonly upstream: readonly GoldenTensor[]
  readonly gradients: { readonly inputs: OptionalTensors; readonly weights: OptionalTensors }
  readonly noise?: boolean
  readonly training?: {
    readonly outputs: readonly GoldenTensor[]
    readonly updates: Readonly<Record<string, GoldenTensor>>
  }
  readonly losses?: number
  readonly files?: boolean
  readonly tolerance?: number
}

/** The cases of one file of `test/fixtures/layers`. */
export function readCases(file: string): readonly LayerCase[] {
  const text = readFileSync(new URL(`../fixtures/layers/${file}`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly cases: readonly LayerCase[] }).cases
}

/** A model of the case's layer alone, with the weights of the case. */
export function caseModel(one: LayerCase): { readonly model: Model; readonly layer: Layer } {
  const layer = Layer.fromSpec({
    className: one.class_name,
    name: automaticName(one.class_name),
    trainable: true,
    config: canonicalConfig(one.class_name, one.config),
  })
  const entrances = one.inputs.map(({ dtype, shape }) => input({ shape: shape.slice(1), dtype }))
  const single = entrances.length === 1 ? (entrances[0] as SymbolicTensor) : entrances
  const model = new Model({ inputs: entrances, outputs: layer.call(single, one.kwargs) })
  layer.setWeights(one.weights.map(({ value }) => toTensor(value)))
  return { model, layer }
}

/** Everything that a layer promises, against the numbers of real Keras. */
export async function checkLayer(one: LayerCase): Promise<void> {
  const def = LAYERS.get(one.class_name)
  if (!def) return expect.fail(`no layer ${one.class_name}`)
  checkConfig(one, def)
  const { model, layer } = caseModel(one)
  checkStructure(one, model, layer)
  await checkNumbers(one, model, layer)
  if (one.files !== false) await checkFiles(one, model)
}

/** Keras's keys in Keras's order and with its values; unknown ones refused; a factory that gives the same. */
function checkConfig(one: LayerCase, def: LayerDef): void {
  const given = canonicalConfig(one.class_name, one.config)
  const complete = completeConfig(def, given, one.name, true)
  const keys = Object.keys(def.defaults)
  const written = Object.keys(one.config)
  expect(
    keys.filter((key) => written.includes(key)),
    'config keys',
  ).toEqual(written.filter((key) => Object.hasOwn(given, key) || keys.includes(key)))
  for (const key of keys) {
    if (!written.includes(key)) expect(def.defaults[key], `${key}, which Keras does not write`).toBeNull()
  }
  expect(complete, 'config').toMatchObject(given)
  expect(completeConfig(def, complete, one.name, true), 'config twice').toEqual(complete)
  expect(() => completeConfig(def, { ...given, no_such_key: 1 }, one.name, true)).toThrow(/no_such_key/)
  const factories = Object.values(layers) as ((options?: object) => Layer)[]
  const options = Object.fromEntries(Object.entries(given).map(([key, value]) => [toCamelCase(key), value as Json]))
  const made = factories.some((factory) => {
    try {
      const layer = factory(options)
      expect(layer.config).toEqual(complete)
      return layer.className === one.class_name
    } catch {
      return false
    }
  })
  expect(made, 'a factory in layers').toBe(true)
}

/** Weights as Keras has them, and the output's shape for a batch of unknown size. */
function checkStructure(one: LayerCase, model: Model, layer: Layer): void {
  const ours = layer.weights.map(({ name, shape, spec }) => ({ name, shape, trainable: spec.trainable }))
  const theirs = one.weights.map(({ name, trainable, value }) => ({ name, shape: value.shape, trainable }))
  expect(ours, 'weights').toEqual(theirs)
  expect(
    model.outputs.map(({ shape }) => shape),
    'output shapes',
  ).toEqual(one.output_shapes)
}

interface Lowering {
  readonly outputs: readonly Tensor[]
  readonly masks: readonly (Tensor | null)[]
  readonly gradients: readonly Tensor[]
  readonly updates: Readonly<Record<string, Tensor>>
  readonly losses: number
}

/** Lowers the model for the case's own batch, runs it and takes the gradients of sum(output * upstream). */
async function run(one: LayerCase, model: Model, layer: Layer, training: boolean): Promise<Lowering> {
  const b = newBuilder()
  const feeds: Record<string, Tensor> = {}
  const enter = (name: string, tensor: Tensor): Value => {
    feeds[name] = tensor
    return b.input(name, tensor.dtype, tensor.shape)
  }
  const inputs = one.inputs.map((x, i) => enter(`x${i}`, toTensor(x)))
  const masks = inputs.map((_, i) => (one.masks?.[i] ? enter(`mask${i}`, toTensor(one.masks[i])) : null))
  const weights = new Map<Variable, Value>(layer.weights.map((v, i) => [v, enter(`w${i}`, v.value)]))
  const state = enter('random', new Tensor(RANDOM_STATE.dtype, RANDOM_STATE.shape, Uint32Array.of(1, 2, 3, 0) as never))
  const env: Environment = {
    b,
    training,
    gradients: true,
    losses: true,
    weight: (variable) => weights.get(variable) as Value,
    random: createRandomStream(b, state),
  }
  const network = model.requireNetwork()
  const lowered = lowerNetwork(network, inputs, masks, env)
  expect(
    lowered.outputs.map(({ shape }) => shape),
    'inferred shapes',
  ).toEqual(one.outputs.map(({ shape }) => shape))
  const products = lowered.outputs.map((output, i) =>
    reduce(b, 'ReduceSum', b.op('Mul', [output, enter(`u${i}`, toTensor(one.upstream[i] as GoldenTensor))])),
  )
  const sum = (values: readonly Value[]): Value => values.reduce((a, c) => b.op('Add', [a, c]), b.scalar(0))
  const wanted = [...inputs.filter(({ dtype }) => dtype === 'float32'), ...weights.values()]
  const slopes = gradients(b, sum(products), wanted).map(
    (value, i) => value ?? b.op('Mul', [wanted[i] as Value, b.scalar(0)]),
  )
  const found = lowered.masks.filter((mask) => mask !== null)
  const groups = [
    lowered.outputs,
    slopes,
    lowered.updates.map(({ value }) => value),
    [sum(lowered.losses)],
    found,
    [state],
  ]
  const results = [...(await runGraph(b.build(groups.flat().map((value) => b.op('Identity', [value]))), feeds))]
  const take = (group: readonly unknown[]): Tensor[] => results.splice(0, group.length)
  const outputs = take(lowered.outputs)
  const slopeValues = take(slopes)
  const updates = take(lowered.updates)
  const [losses] = take([0])
  return {
    outputs,
    gradients: slopeValues,
    updates: Object.fromEntries(lowered.updates.map(({ variable }, i) => [variable.name, updates[i] as Tensor])),
    losses: Number(losses?.data[0]),
    masks: lowered.masks.map((mask) => (mask ? (results.shift() as Tensor) : null)),
  }
}

async function checkNumbers(one: LayerCase, model: Model, layer: Layer): Promise<void> {
  const tolerance = one.tolerance ?? 2e-5
  const inference = await run(one, model, layer, false)
  expectTensors(inference.outputs, one.outputs, 'output', tolerance)
  expect(inference.updates, 'updates outside training').toEqual({})
  inference.masks.forEach((mask, i) => {
    const wanted = one.output_masks?.[i] ?? null
    if (wanted) expectTensor(mask ?? undefined, wanted, `mask ${i}`, 0)
    else expect(mask, `mask ${i}`).toBeNull()
  })
  const trained = one.noise ? inference : await run(one, model, layer, true)
  if (one.training) {
    expectTensors(trained.outputs, one.training.outputs, 'trained output', tolerance)
    for (const [weight, value] of Object.entries(one.training.updates)) {
      const updated = trained.updates[weight] ?? layer.weight(weight).value
      expectTensor(updated, value, `update of ${weight}`, tolerance)
    }
  }
  if (one.losses !== undefined)
    expect(Math.abs(trained.losses - one.losses)).toBeLessThan(1e-5 * (1 + Math.abs(one.losses)))
  const floats = one.inputs.flatMap((x, i) => (x.dtype === 'float32' ? [one.gradients.inputs[i] ?? null] : []))
  ;[...floats, ...one.gradients.weights].forEach((wanted, i) => {
    const found = trained.gradients[i] as Tensor
    const largest = Math.max(1, ...(wanted?.data ?? []).map((value) => Math.abs(Number(value))))
    const zeros = { dtype: 'float32', shape: found.shape, data: [...(found.data as Float32Array)].fill(0) } as const
    const constant = i >= floats.length && !one.weights[i - floats.length]?.trainable
    if (!constant) expectTensor(found, wanted ?? zeros, `gradient ${i}`, 1e-4 * largest, 0)
  })
}

/** In each of Keras's forms and back: the same bits. */
async function checkFiles(one: LayerCase, model: Model): Promise<void> {
  const x = one.inputs.map(toTensor)
  const before = await model.predictAll(x)
  if (!one.masks) expectTensors(before, one.outputs, 'prediction', one.tolerance ?? 2e-5)
  try {
    for (const format of ['keras', 'h5']) {
      const copy = await loadModel(await modelBytes(await model.toDoc(), format), { onWarning: () => {} })
      expect(configsOf(copy), `config in .${format}`).toEqual(configsOf(model))
      expect(await copy.predictAll(x), `predictions after .${format}`).toEqual(before)
      await copy.dispose()
    }
  } finally {
    await model.dispose()
  }
}

/** Layers' configs without what Keras says of every layer. */
function configsOf(model: Model): JsonObject[] {
  return model.layers.map(({ className, config: { dtype, ...config } }) =>
    className === 'InputLayer' ? { dtype, ...config } : config,
  ) as JsonObject[]
}

function expectTensors(
  found: readonly Tensor[],
  wanted: readonly GoldenTensor[],
  what: string,
  tolerance: number,
): void {
  for (const [i, tensor] of wanted.entries()) expectTensor(found[i], tensor, `${what} ${i}`, tolerance)
}

/** Within `tolerance` of 1 + |expected| (of 1 alone when `slack` is 0), everywhere. */
function expectTensor(
  found: Tensor | undefined,
  wanted: GoldenTensor,
  what: string,
  tolerance: number,
  slack = 1,
): void {
  if (!found) throw new Error(`${what} is missing`)
  expect(found.shape, `${what}: shape`).toEqual(wanted.shape)
  wanted.data.forEach((value, i) => {
    const want = Number(String(value).replace('inf', 'Infinity').replace('true', '1').replace('false', '0'))
    const got = Number(found.data[i])
    const same = Object.is(got, want) || Math.abs(got - want) <= tolerance * (1 + slack * Math.abs(want))
    if (!same) expect.fail(`${what}: value ${i} is ${got}, not ${want}`)
  })
}
