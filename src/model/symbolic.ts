import type { Type } from '../graph/index.ts'
import type { Json, Tree } from '../nn/types.ts'
import { newBuilder } from '../ops/index.ts'
import type { DType } from '../tensor/index.ts'
import type { Layer } from './layer.ts'
import { inferenceEnvironment, lowerCall } from './lower.ts'
import { isReference } from './network.ts'
import { flattenTree, mapTree } from './tree.ts'

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
  const lowered = lowerCall(
    layer,
    values,
    values.map(() => null),
    kwargs,
    inferenceEnvironment(b),
  )
  const node = new CallNode(layer, [inputs], kwargs, lowered.outputs)
  return outputsOf(layer, node)
}

function outputsOf(layer: Layer, node: CallNode): Tree<SymbolicTensor> {
  if (layer.network) {
    let next = 0
    return mapTree(layer.network.outputs, isReference, () => node.outputs[next++] as SymbolicTensor)
  }
  return node.outputs.length === 1 ? (node.outputs[0] as SymbolicTensor) : node.outputs
}
