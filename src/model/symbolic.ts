import { describeValue, RekindleError } from '../errors.ts'
import type { Type } from '../graph/index.ts'
import type { Json, Tree } from '../nn/types.ts'
import { newBuilder } from '../ops/index.ts'
import { type DType, Tensor } from '../tensor/index.ts'
import type { Layer } from './layer.ts'
import { inferenceEnvironment, lowerCall } from './lower.ts'
import { type Constant, isConstant, isReference } from './network.ts'
import { flattenTree, mapRecord, mapTree, sortedValues } from './tree.ts'

/** One call of a layer in the functional API. */
export class CallNode {
  readonly layer: Layer
  readonly args: readonly Tree<CallValue>[]
  readonly kwargs: { readonly [name: string]: Tree<CallValue> }
  readonly outputs: readonly SymbolicTensor[]

  constructor(
    layer: Layer,
    args: readonly Tree<CallValue>[],
    kwargs: { readonly [name: string]: Tree<CallValue> },
    types: readonly Type[],
  ) {
    this.layer = layer
    this.args = args
    this.kwargs = kwargs
    this.outputs = types.map((type, i) => new SymbolicTensor(type, this, i))
  }

  get inputs(): SymbolicTensor[] {
    return [...this.args, ...sortedValues(this.kwargs)].flatMap(tensorsOf)
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

/**
 * Refuses everything but symbolic tensors, lists and dictionaries of them.
 * @throws RekindleError `E_INVALID_ARGUMENT`.
 */
export function requireSymbolic(given: unknown, where: string): asserts given is Tree<SymbolicTensor> {
  if (typeof given === 'object' && given !== null) {
    if (isSymbolic(given)) return
    const plain = Array.isArray(given) || Object.getPrototypeOf(given) === Object.prototype
    const branches: readonly unknown[] = plain ? Object.values(given) : []
    if (branches.length > 0) {
      for (const branch of branches) requireSymbolic(branch, where)
      return
    }
  }
  const layer = typeof given === 'function'
  throw new RekindleError('E_INVALID_ARGUMENT', 'not a symbolic tensor', {
    where,
    expected: 'what input() or the call of a layer gives',
    received: layer ? 'a layer' : isTensor(given) ? 'a tensor of numbers' : describeValue(given),
    ...(layer && { hint: 'call it: layer(x)' }),
  })
}

function isTensor(given: unknown): boolean {
  return given instanceof Tensor || ArrayBuffer.isView(given)
}

/** What stands among the arguments of a call. */
export type CallValue = SymbolicTensor | Constant

/** Arguments by name: JSON, or tensors in any nesting. */
export type CallKeywords = { readonly [name: string]: Json | Tree<SymbolicTensor> }

function isCallValue(node: object): node is CallValue {
  return isSymbolic(node) || isConstant(node)
}

function tensorsOf(arg: Tree<CallValue>): readonly SymbolicTensor[] {
  return flattenTree(arg, isCallValue).filter(isSymbolic)
}

/** Branches without a tensor are constants as a whole. */
function toCallValue(given: Json | Tree<SymbolicTensor>): Tree<CallValue> {
  if (given === null || typeof given !== 'object') return { constant: given }
  if (isSymbolic(given)) return given
  const branches = Array.isArray(given) ? given.map(toCallValue) : mapRecord(given as CallKeywords, toCallValue)
  const leaves = flattenTree(branches as Tree<CallValue>, isCallValue)
  return leaves.some(isSymbolic) ? (branches as Tree<CallValue>) : { constant: given as Json }
}

/** Calls a layer on symbolic tensors: builds its weights, infers its output and records the call. */
export function callLayer(
  layer: Layer,
  inputs: Tree<SymbolicTensor>,
  keywords: CallKeywords = {},
): Tree<SymbolicTensor> {
  requireSymbolic(inputs, layer.name)
  const kwargs = mapRecord(keywords, toCallValue)
  const flat = flattenTree(inputs, isSymbolic)
  const named = sortedValues(kwargs).flatMap(tensorsOf)
  const b = newBuilder()
  const values = [...flat, ...named].map((tensor, i) => {
    const shape = tensor.shape.map((dim, axis) => dim ?? (axis === 0 ? 'batch' : `x${i}_${axis}`))
    return b.input(`x${i}`, tensor.dtype, shape)
  })
  const lowered = lowerCall(
    layer,
    values.slice(0, flat.length),
    flat.map(() => null),
    mapRecord(kwargs, (arg) =>
      mapTree<CallValue, unknown>(arg, isCallValue, (leaf) =>
        isConstant(leaf) ? leaf.constant : values[flat.length + named.indexOf(leaf)],
      ),
    ),
    inferenceEnvironment(b),
  )
  const node = new CallNode(layer, [inputs], kwargs, lowered.outputs)
  return outputsOf(layer, node)
}

function outputsOf(layer: Layer, node: CallNode): Tree<SymbolicTensor> {
  if (layer.network) {
    const { outputs } = layer.network
    const order = flattenTree(outputs, isReference)
    return mapTree(outputs, isReference, (leaf) => node.outputs[order.indexOf(leaf)] as SymbolicTensor)
  }
  return node.outputs.length === 1 ? (node.outputs[0] as SymbolicTensor) : node.outputs
}
