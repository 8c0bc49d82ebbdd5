import { RekindleError } from '../errors.ts'
import type { Type } from '../graph/index.ts'
import { newBuilder } from '../ops/index.ts'
import { type DType, formatShape, isDType } from '../tensor/index.ts'
import { Layer } from './layer.ts'
import { inferenceEnvironment, lowerCall } from './lower.ts'
import { automaticName } from './names.ts'
import { flattenTree, mapTree } from './tree.ts'
import { LAYERS } from '../nn/layers/index.ts'
import type { Json, Tree } from '../nn/types.ts'

/** One call of a layer in the functional API. */
export class CallNode {
  readonly layer: Layer
  readonly args: readonly Tree<SymbolicTensor>[]
  readonly kwargs: { readonly [name: string]: Json }
  readonly outputs: readonly SymbolicTensor[]

  constructor(
    layer: Layer,
    args: readonly Tree<SymbolicTensor>[],
    kwargs: { readonly [name: string]: Json },
    types: readonly Type[],
  ) {
    this.layer = layer
    this.args = args
    this.kwargs = kwargs
    this.outputs = types.map((type, i) => new SymbolicTensor(type, this, i))
  }

  get inputs(): SymbolicTensor[] {
    return this.args.flatMap((arg) => flattenTree(arg, isSymbolic))
  }
}

/** A tensor that a model under construction will compute. The batch dimension is null. */
export class SymbolicTensor {
  readonly shape: readonly (number | null)[]
  readonly dtype: DType
  readonly node: CallNode
  readonly output: number

  constructor(type: Type, node: CallNode, output: number) {
    this.shape = type.shape.map((dim) => (typeof dim === 'number' ? dim : null))
    this.dtype = type.dtype
    this.node = node
    this.output = output
  }
}

export function isSymbolic(node: object): node is SymbolicTensor {
  return node instanceof SymbolicTensor
}

export interface InputOptions {
  /** Without the batch dimension; null for sizes that may vary. */
  readonly shape?: readonly (number | null)[]
  /** With the batch dimension, instead of `shape`. */
  readonly batchShape?: readonly (number | null)[]
  readonly dtype?: DType
  readonly name?: string
}

/**
 * The entrance of a functional model, as `keras.Input`.
 *
 * @throws RekindleError `E_INVALID_CONFIG` when neither shape is given.
 */
export function input(options: InputOptions): SymbolicTensor {
  const layer = createInputLayer(options)
  return new CallNode(layer, [], {}, [inputType(layer)]).outputs[0] as SymbolicTensor
}

/** An InputLayer from options. */
export function createInputLayer({ shape, batchShape, dtype = 'float32', name }: InputOptions): Layer {
  const full = batchShape ?? (shape && [null, ...shape])
  const good = full?.every((dim) => dim === null || (Number.isInteger(dim) && dim >= 0))
  if (!full || !good || !isDType(dtype)) {
    throw new RekindleError('E_INVALID_CONFIG', 'input', {
      expected: 'a shape of whole numbers and nulls, such as { shape: [784] }, and a dtype',
      received: full ? `${formatShape(full)} of ${dtype}` : 'no shape',
    })
  }
  const config = { batch_shape: full, dtype, sparse: false, ragged: false, optional: false }
  return new Layer('InputLayer', name ?? automaticName('InputLayer'), config, LAYERS.get('InputLayer'))
}

/** The type that an InputLayer announces, free sizes as symbols: `batch` first, then `<name>_<axis>`. */
export function inputType(layer: Layer): Type {
  const { batch_shape: shape, dtype } = layer.config as { batch_shape: (number | null)[]; dtype: Json }
  const name = typeof dtype === 'string' && isDType(dtype) ? dtype : 'float32'
  return {
    dtype: name,
    shape: shape.map((dim, axis) => (axis === 0 ? 'batch' : (dim ?? `${layer.name}_${axis}`))),
  }
}

/** Calls a layer on symbolic tensors: builds its weights, infers its output and records the call. */
export function callLayer(
  layer: Layer,
  inputs: Tree<SymbolicTensor>,
  kwargs: { readonly [name: string]: Json } = {},
): Tree<SymbolicTensor> {
  const flat = flattenTree(inputs, isSymbolic)
  const b = newBuilder()
  const values = flat.map((tensor, i) => {
    const shape = tensor.shape.map((dim, axis) => dim ?? (axis === 0 ? 'batch' : `x${i}_${axis}`))
    return b.input(`x${i}`, tensor.dtype, shape)
  })
  const lowered = lowerCall(layer, values, values.map(() => null), kwargs, inferenceEnvironment(b))
  const node = new CallNode(layer, [inputs], kwargs, lowered.outputs)
  return outputsOf(layer, node)
}

function outputsOf(layer: Layer, node: CallNode): Tree<SymbolicTensor> {
  if (layer.network) {
    let next = 0
    return mapTree(layer.network.outputs, isRef, () => node.outputs[next++] as SymbolicTensor)
  }
  return node.outputs.length === 1 ? (node.outputs[0] as SymbolicTensor) : node.outputs
}

function isRef(node: object): node is { call: number; output: number } {
  return 'call' in node && 'output' in node && typeof (node as { call: unknown }).call === 'number'
}
