import { RekindleError } from '../errors.ts'
import type { Builder, Value } from '../graph/index.ts'
import { applyRegularizer } from '../nn/regularizers.ts'
import type { CallResult, Identifier, RandomStream, Tree } from '../nn/types.ts'
import { callOrder } from './call-order.ts'
import type { Layer } from './layer.ts'
import {
  type CallArgument,
  isCallArgument,
  isConstant,
  isReference,
  type Network,
  type NetworkCall,
  type Reference,
  referencesOf,
} from './network.ts'
import { flattenTree, mapRecord, mapTree } from './tree.ts'
import type { Variable } from './variable.ts'

/** What lowering needs from the graph that it writes into. */
export interface Environment {
  readonly b: Builder
  readonly training: boolean
  /** Will the graph be differentiated? As `training` unless a call has an opinion of its own on that. */
  readonly gradients?: boolean
  /** Are the losses of layers (activity regularizers) wanted? They need a concrete batch. */
  readonly losses: boolean
  /** The graph value of a weight: an input in training, a constant in baked inference. */
  weight(variable: Variable): Value
  readonly random: RandomStream
}

export interface Lowered {
  readonly outputs: readonly Value[]
  readonly masks: readonly (Value | null)[]
  /** New values of weights that the step itself changes. */
  readonly updates: readonly { readonly variable: Variable; readonly value: Value }[]
  /** Scalars that join the total loss: activity regularizers and layers' own losses. */
  readonly losses: readonly Value[]
}

/** An environment for shape inference and other graphs that never run: weights are inputs without content. */
export function inferenceEnvironment(b: Builder): Environment {
  const values = new Map<Variable, Value>()
  return {
    b,
    training: false,
    losses: false,
    weight(variable) {
      const known = values.get(variable) ?? b.input(`w${values.size}`, variable.dtype, variable.shape)
      values.set(variable, known)
      return known
    },
    random: { uniform: (builder, shape) => builder.input('random', 'float32', shape) },
  }
}

/** Writes one call of a layer (or of a whole model inside a model) into the graph. */
export function lowerCall(
  layer: Layer,
  inputs: readonly Value[],
  masks: readonly (Value | null)[],
  kwargs: { readonly [name: string]: unknown },
  env: Environment,
): Lowered {
  layer.build(inputs)
  const own = callEnvironment(env, kwargs)
  if (layer.network) return lowerNetwork(layer.network, inputs, masks, own)
  if (!layer.def) {
    throw new RekindleError('E_UNSUPPORTED_LAYER', `no layer ${layer.className} here yet`, {
      where: layer.name,
      hint: 'the file can be shown, converted and mined for weights, but not run',
    })
  }
  const result = call(layer, inputs, masksOf(kwargs, masks), kwargs, own)
  const outputs = flattenTree(result.outputs as Tree<Value>, isValue)
  const through = layer.def.supportsMasking && inputs.length === 1 ? (masks[0] ?? null) : null
  return {
    outputs,
    masks: result.masks ?? outputs.map(() => through),
    updates: (result.updates ?? []).map(({ weight, value }) => ({ variable: layer.weight(weight), value })),
    losses: [...(result.losses ?? []), ...activityLosses(layer, outputs, env)],
  }
}

/**
 * Writes a whole network into the graph, call by call, in the order in which Keras calls. `note` is told the result of
 * each call. A layer that is called twice goes on from the statistics that its first call left.
 */
export function lowerNetwork(
  network: Network,
  inputs: readonly Value[],
  inputMasks: readonly (Value | null)[],
  env: Environment,
  note?: (call: number, result: Lowered) => void,
): Lowered {
  const results: Lowered[] = []
  const updated = new Map<Variable, Value>()
  const current: Environment = { ...env, weight: (variable) => updated.get(variable) ?? env.weight(variable) }
  const losses: Value[] = []
  const entrances = flattenTree(network.inputs, isReference)
  for (const index of callOrder(network)) {
    const step = network.calls[index] as NetworkCall
    const entrance = entrances.findIndex((ref) => ref.call === index)
    if (entrance >= 0) {
      step.layer.build([])
      const passed = {
        outputs: [inputs[entrance] as Value],
        masks: [inputMasks[entrance] ?? null],
        updates: [],
        losses: [],
      }
      results[index] = passed
      note?.(index, passed)
      continue
    }
    const refs = step.args.flatMap(referencesOf)
    const resultOf = (ref: Reference): Value => results[ref.call]?.outputs[ref.output] as Value
    const values = refs.map(resultOf)
    const kwargs = mapRecord(step.kwargs, (arg) =>
      mapTree<CallArgument, unknown>(arg, isCallArgument, (leaf) =>
        isConstant(leaf) ? leaf.constant : resultOf(leaf),
      ),
    )
    const masks = refs.map((ref) => results[ref.call]?.masks[ref.output] ?? null)
    const lowered = lowerCall(step.layer, values, masks, kwargs, current)
    results[index] = lowered
    note?.(index, lowered)
    for (const { variable, value } of lowered.updates) updated.set(variable, value)
    losses.push(...lowered.losses)
  }
  const exits = flattenTree(network.outputs, isReference)
  return {
    outputs: exits.map((ref) => results[ref.call]?.outputs[ref.output] as Value),
    masks: exits.map((ref) => results[ref.call]?.masks[ref.output] ?? null),
    updates: [...updated].map(([variable, value]) => ({ variable, value })),
    losses,
  }
}

/** A call may say for itself whether it trains: `base(x, { training: false })`. */
function callEnvironment(env: Environment, { training }: { readonly [name: string]: unknown }): Environment {
  if (typeof training !== 'boolean' || training === env.training) return env
  return { ...env, training, gradients: env.gradients ?? env.training }
}

/** A mask that the call names goes before the one that comes with the input. */
function masksOf(
  { mask }: { readonly [name: string]: unknown },
  masks: readonly (Value | null)[],
): readonly (Value | null)[] {
  if (typeof mask !== 'object' || mask === null) return masks
  const given = Array.isArray(mask) ? (mask as (Value | null)[]) : [mask as Value]
  return masks.map((own, i) => given[i] ?? own)
}

function call(
  layer: Layer,
  inputs: readonly Value[],
  masks: readonly (Value | null)[],
  kwargs: { readonly [name: string]: unknown },
  env: Environment,
): CallResult {
  const context = {
    b: env.b,
    config: layer.config,
    name: layer.name,
    training: env.training,
    gradients: env.gradients ?? env.training,
    trainable: layer.trainable,
    weight: (name: string) => env.weight(layer.weight(name)),
    random: env.random,
  }
  try {
    if (!layer.def) throw new RekindleError('E_UNSUPPORTED_LAYER', `no layer ${layer.className}`)
    return layer.def.call(context, inputs, { masks, kwargs })
  } catch (error) {
    if (error instanceof RekindleError && error.where === undefined) {
      throw new RekindleError(error.code, error.message, { where: `layer ${layer.name}`, cause: error })
    }
    throw error
  }
}

/** Keras: the activity regularizer's value over the batch size. */
function activityLosses(layer: Layer, outputs: readonly Value[], env: Environment): Value[] {
  const regularizer = layer.config.activity_regularizer as Identifier | undefined
  if (!regularizer || !env.losses) return []
  return outputs.map((output) => {
    const penalty = applyRegularizer(env.b, regularizer, output)
    return env.b.op('Div', [penalty, env.b.scalar(output.shape[0] as number)])
  })
}

function isValue(node: object): node is Value {
  return 'dtype' in node && 'id' in node
}
