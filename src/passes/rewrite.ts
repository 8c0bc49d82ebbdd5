import { type Graph, isGraph, type Node, readsOf, type Value } from '../graph/index.ts'
import type { Tensor } from '../tensor/index.ts'

/** What a rule may ask about the graph so far. */
export interface RewriteScope {
  /** The content of a constant here or in a graph around. */
  constantOf(value: Value): Tensor | undefined
  /** The node that makes a value, already rewritten; undefined for inputs, constants and outer values. */
  producerOf(value: Value): Node | undefined
}

/**
 * What a rule puts in a node's place: other values for its outputs, their content, or another node that makes the
 * same outputs. Types must stay what they were.
 */
export type Replacement =
  | { readonly values: readonly Value[] }
  | { readonly contents: readonly Tensor[] }
  | { readonly node: Node }

export type RewriteRule = (node: Node, scope: RewriteScope) => Replacement | null

/**
 * The one walk that rebuilds a graph: each node, with the replacements so far in its inputs and in its subgraphs, is
 * shown to the rule. Values keep their identity and their names; a value that is an output of its graph keeps its
 * node when the rule wants to put another value there. Captures are found anew.
 */
export function rewrite(graph: Graph, rule: RewriteRule): Graph {
  return rewriteGraph(graph, rule, null, new Map())
}

/** The graph with some values read in the place of others, in its subgraphs too. */
export function substitute(graph: Graph, replacements: ReadonlyMap<Value, Value>): Graph {
  return rewriteGraph(graph, () => null, null, replacements)
}

function rewriteGraph(
  graph: Graph,
  rule: RewriteRule,
  outer: RewriteScope | null,
  around: ReadonlyMap<Value, Value>,
): Graph {
  const current = new Map(around)
  const constants = new Map(graph.constants)
  const producers = new Map<Value, Node>()
  const nodes: Node[] = []
  const scope: RewriteScope = {
    constantOf: (value) => constants.get(value) ?? outer?.constantOf(value),
    producerOf: (value) => producers.get(value),
  }
  const keep = (node: Node): void => {
    nodes.push(node)
    for (const output of node.outputs) producers.set(output, node)
  }
  const fixed = new Set(graph.outputs)
  for (const original of graph.nodes) {
    const node = mapNode(original, current, (inner) => rewriteGraph(inner, rule, scope, current))
    const replacement = rule(node, scope)
    if (replacement === null) keep(node)
    else if ('node' in replacement) keep(replacement.node)
    else if ('contents' in replacement) {
      for (const [i, content] of replacement.contents.entries()) constants.set(node.outputs[i] as Value, content)
    } else if (node.outputs.some((output) => fixed.has(output))) keep(node)
    else for (const [i, value] of replacement.values.entries()) current.set(node.outputs[i] as Value, value)
  }
  const outputs = graph.outputs.map((value) => current.get(value) ?? value)
  return withCaptures({ inputs: graph.inputs, outputs, nodes, constants })
}

/** The graph with its captures: what is read and not made here. */
export function withCaptures(graph: Omit<Graph, 'captures'>): Graph {
  const own = new Set([...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap((node) => node.outputs)])
  const read = new Set([...graph.nodes.flatMap(readsOf), ...graph.outputs])
  return { ...graph, captures: [...read].filter((value) => !own.has(value)) }
}

/** The node with other inputs and subgraphs; the same object where nothing changes. */
function mapNode(node: Node, current: ReadonlyMap<Value, Value>, mapGraph: (graph: Graph) => Graph): Node {
  const inputs = node.inputs.map((value) => value && (current.get(value) ?? value))
  const attributes = Object.entries(node.attrs as Readonly<Record<string, unknown>>)
  const nested = attributes.some(([, value]) => isGraph(value))
  if (!nested && inputs.every((value, i) => value === node.inputs[i])) return node
  if (!nested) return { ...node, inputs }
  const attrs = attributes.map(([name, value]) => [name, isGraph(value) ? mapGraph(value) : value])
  return { ...node, inputs, attrs: Object.fromEntries(attrs) as Node['attrs'] }
}
