import { RekindleError } from '../errors.ts'
import type { Builder } from './builder.ts'
import { type Graph, isGraph, type Node, type Value } from './ir.ts'

export interface Inlined {
  /** The copies of the graph's outputs, in their order. */
  readonly outputs: readonly Value[]
  /** Each value of the graph (inputs, constants, node outputs) and what stands for it in the builder. */
  readonly copies: ReadonlyMap<Value, Value>
}

/**
 * Appends a copy of a graph to a builder, with `inputs` in the place of the graph's inputs. Captured values stay what
 * they are unless `outer` maps them; subgraphs are copied too. Types are inferred anew, so that an inlined graph
 * may become more concrete.
 *
 * @throws RekindleError `E_INVALID_GRAPH` when the number of inputs differs.
 */
export function inline(
  b: Builder,
  graph: Graph,
  inputs: readonly Value[],
  outer: ReadonlyMap<Value, Value> = new Map(),
): Inlined {
  if (inputs.length !== graph.inputs.length) {
    throw new RekindleError('E_INVALID_GRAPH', 'inlining a graph: number of inputs', {
      expected: String(graph.inputs.length),
      received: String(inputs.length),
    })
  }
  const copies = new Map(outer)
  const copyOf = (value: Value): Value => copies.get(value) ?? value
  for (const [i, value] of graph.inputs.entries()) copies.set(value, inputs[i] as Value)
  for (const [value, content] of graph.constants) copies.set(value, b.constant(content))
  for (const node of graph.nodes) {
    const outputs = b.ops(
      node.op,
      node.inputs.map((x) => x && copyOf(x)),
      copyAttributes(b, node, copies),
      node.outputs.length,
    )
    for (const [i, value] of node.outputs.entries()) copies.set(value, outputs[i] as Value)
  }
  return { outputs: graph.outputs.map(copyOf), copies }
}

function copyAttributes(b: Builder, node: Node, copies: ReadonlyMap<Value, Value>): Node['attrs'] {
  const entries = Object.entries(node.attrs as Record<string, unknown>).map(([name, attribute]) => {
    if (!isGraph(attribute)) return [name, attribute]
    const inputTypes = attribute.inputs.map(({ dtype, shape }) => ({ dtype, shape }))
    return [name, b.subgraph(inputTypes, (inner, inputs) => inline(inner, attribute, inputs, copies).outputs)]
  })
  return Object.fromEntries(entries) as Node['attrs']
}
