import { RekindleError } from '../errors.ts'
import { newBuilder } from '../ops/index.ts'
import { packedByteLength, sizeOf } from '../tensor/index.ts'
import type { Layer } from './layer.ts'
import { inferenceEnvironment, type Lowered, lowerNetwork } from './lower.ts'
import type { Model, PortInfo } from './model.ts'
import { callReferences, isReference, type Network, type NetworkCall } from './network.ts'
import { networkInputs } from './network-types.ts'
import { portNames } from './ports.ts'
import { flattenTree } from './tree.ts'

export interface LayerDescription {
  readonly name: string
  readonly className: string
  /** The one thing a reader wants to know beside the class: `softmax`, `rate 0.5`. */
  readonly detail: string
  /** Null where it cannot be told: an unknown layer, or no input shape yet. */
  readonly outputShape: readonly (number | null)[] | null
  readonly params: number | null
  /** Names of the layers whose outputs it reads. */
  readonly from: readonly string[]
  /** 0 in the model itself, 1 in a model inside it, and so on. */
  readonly depth: number
  readonly trainable: boolean
}

/** What `show` and `summary` tell. Made without an engine and without reading a weight. */
export interface ModelDescription {
  readonly layers: readonly LayerDescription[]
  readonly inputs: readonly PortInfo[]
  readonly outputs: readonly PortInfo[]
  readonly totalParams: number
  readonly trainableParams: number
  /** Of all weights, in their dtypes. */
  readonly bytes: number
}

/** Describes a live model. */
export function describeModel(model: Model): ModelDescription {
  const network = model.requireNetwork()
  const shapes = outputShapes(network)
  const layers = describeLayers(network, shapes, 0)
  const weights = model.weights
  const trainable = new Set(model.trainableWeights)
  const count = (wanted: (weight: (typeof weights)[number]) => boolean): number =>
    weights.filter(wanted).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return {
    layers,
    inputs: model.inputs,
    outputs: portsOf(network, shapes),
    totalParams: count(() => true),
    trainableParams: count((weight) => trainable.has(weight)),
    bytes: weights.reduce((sum, { dtype, shape }) => sum + packedByteLength(dtype, sizeOf(shape)), 0),
  }
}

type Shapes = readonly ((number | null)[] | null)[]

/** The first output shape of each call; null from the first layer on that cannot be run. */
function outputShapes(network: Network): Shapes {
  const b = newBuilder()
  const inputs = networkInputs(network).map((type, i) => b.input(`x${i}`, type.dtype, type.shape))
  const known: ((number | null)[] | null)[] = network.calls.map(() => null)
  const note = (call: number, { outputs }: Lowered): void => {
    const shape = outputs[0]?.shape
    known[call] = shape ? shape.map((dim) => (typeof dim === 'number' ? dim : null)) : null
  }
  try {
    lowerNetwork(
      network,
      inputs,
      inputs.map(() => null),
      inferenceEnvironment(b),
      note,
    )
  } catch (error) {
    if (!(error instanceof RekindleError)) throw error
  }
  return known
}

function portsOf(network: Network, shapes: Shapes): PortInfo[] {
  const names = portNames(network, network.outputs)
  return flattenTree(network.outputs, isReference).map(({ call }, i) => ({
    name: names[i] as string,
    dtype: 'float32',
    shape: shapes[call] ?? [],
  }))
}

function describeLayers(network: Network, shapes: Shapes, depth: number): LayerDescription[] {
  return network.layers.flatMap((layer) => {
    const calls = network.calls.flatMap((call, i) => (call.layer === layer ? [i] : []))
    const from = calls.flatMap((i) => {
      const refs = callReferences(network.calls[i] as NetworkCall)
      return refs.map((ref) => network.calls[ref.call]?.layer.name ?? '')
    })
    const own = describeLayer(layer, shapes[calls[0] ?? -1] ?? null, [...new Set(from)], depth)
    const inner = layer.network ? describeLayers(layer.network, outputShapes(layer.network), depth + 1) : []
    return [own, ...inner]
  })
}

/** One row. `outputShape` is null where it is not known. */
export function describeLayer(
  layer: Layer,
  outputShape: readonly (number | null)[] | null,
  from: readonly string[],
  depth: number,
): LayerDescription {
  return {
    name: layer.name,
    className: layer.className,
    detail: detailOf(layer),
    outputShape,
    params: layer.built ? layer.weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0) : null,
    from,
    depth,
    trainable: layer.trainable,
  }
}

function detailOf({ config, def, className }: Layer): string {
  if (!def) return className === 'Functional' || className === 'Sequential' ? '' : 'not runnable here'
  const { activation, rate } = config
  if (typeof activation === 'string' && activation !== 'linear') return activation
  if (typeof rate === 'number') return `rate ${rate}`
  return ''
}
