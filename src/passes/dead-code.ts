import { type Graph, isGraph, type Node, readsOf, type Value } from '../graph/index.ts'
import { withCaptures } from './rewrite.ts'

/** Removes nodes and constants that no output depends on, in subgraphs too. Inputs and outputs stay. */
export function removeDeadCode(graph: Graph): Graph {
  const live = new Set<Value>(graph.outputs)
  const nodes: Node[] = []
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => live.has(output))) continue
    const kept = withLiveSubgraphs(node)
    for (const value of readsOf(kept)) live.add(value)
    nodes.push(kept)
  }
  const constants = new Map([...graph.constants].filter(([value]) => live.has(value)))
  return withCaptures({ inputs: graph.inputs, outputs: graph.outputs, nodes: nodes.reverse(), constants })
}

function withLiveSubgraphs(node: Node): Node {
  const attributes = Object.entries(node.attrs as Readonly<Record<string, unknown>>)
  if (!attributes.some(([, value]) => isGraph(value))) return node
  const attrs = attributes.map(([name, value]) => [name, isGraph(value) ? removeDeadCode(value) : value])
  return { ...node, attrs: Object.fromEntries(attrs) as Node['attrs'] }
}
