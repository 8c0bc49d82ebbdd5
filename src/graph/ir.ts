import type { DType, Tensor } from '../tensor/index.ts'
import type { AttrsOf, OpName } from './schema.ts'

/**
 * A number, or the name of a size that is known only at run time (`'batch'`). Equal names are equal sizes;
 * sums and products of names are names too (`'784*batch'`, `'past+1'`). `'?'` is a size that nothing is known about:
 * it is equal to nothing, not even to another `'?'`.
 */
export type Dim = number | string

export interface Type {
  readonly dtype: DType
  readonly shape: readonly Dim[]
  /** The content of a short integer vector or scalar where it is known, as for the output of Shape: sizes, maybe symbolic. */
  readonly content?: readonly Dim[] | undefined
}

/** One tensor that flows through a graph. Its identity is the object; `id` orders and names it. */
export interface Value extends Type {
  readonly id: number
  readonly name: string
}

export interface Node<K extends OpName = OpName> {
  readonly op: K
  /** Optional inputs that are left out are null. */
  readonly inputs: readonly (Value | null)[]
  readonly outputs: readonly Value[]
  /** Complete: defaults are filled in. An attribute may hold a `Graph` (If, Loop, Scan). */
  readonly attrs: AttrsOf<K>
}

/**
 * A typed graph of ONNX operators in topological order.
 * A subgraph sees the values of the graphs around it; those it uses are listed in `captures`.
 */
export interface Graph {
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly nodes: readonly Node[]
  readonly constants: ReadonlyMap<Value, Tensor>
  readonly captures: readonly Value[]
}

export function isGraph(attribute: unknown): attribute is Graph {
  return typeof attribute === 'object' && attribute !== null && 'nodes' in attribute && 'captures' in attribute
}

/** The subgraphs among a node's attributes. */
export function subgraphsOf(node: Node): Graph[] {
  return Object.values(node.attrs as Record<string, unknown>).filter(isGraph)
}

/** All values that a node reads: its inputs and what its subgraphs capture. */
export function readsOf(node: Node): Value[] {
  const inputs = node.inputs.filter((value) => value !== null)
  return [...inputs, ...subgraphsOf(node).flatMap((graph) => graph.captures)]
}
