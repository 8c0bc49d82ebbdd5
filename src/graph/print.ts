import { formatShape, type Tensor } from '../tensor/index.ts'
import { type Graph, isGraph, type Node, type Type, type Value } from './ir.ts'
import type { OpDef, OpTable } from './schema.ts'

/** Constants up to this many elements are printed in full. */
const SHOWN_ELEMENTS = 8

/**
 * A graph as text, one line a node: `v12: float32[batch, 64] = Gemm(v1, v2, v3) {transB: 1}`. Subgraphs stand
 * indented below their node. With a table, attributes that have their default value are left out.
 */
export function printGraph(graph: Graph, table?: OpTable): string {
  return [...graphLines('graph', graph, table, '')].join('\n')
}

function* graphLines(name: string, graph: Graph, table: OpTable | undefined, indent: string): Generator<string> {
  const captures = graph.captures.length > 0 ? ` captures ${graph.captures.map(({ name }) => name).join(', ')}` : ''
  yield `${indent}${name}(${graph.inputs.map(printValue).join(', ')})${captures}:`
  const inner = `${indent}  `
  for (const [value, content] of graph.constants) yield `${inner}${printValue(value)} = ${printContent(content)}`
  for (const node of graph.nodes) yield* nodeLines(node, table, inner)
  yield `${inner}return ${graph.outputs.map((value) => value.name).join(', ')}`
}

function* nodeLines(node: Node, table: OpTable | undefined, indent: string): Generator<string> {
  const def = table?.[node.op] as OpDef | undefined
  const defaults: Readonly<Record<string, unknown>> = def?.attrs ?? {}
  const attributes = Object.entries(node.attrs as Readonly<Record<string, unknown>>)
  const plain = attributes.filter(([name, value]) => !isGraph(value) && value !== undefined && value !== defaults[name])
  const outputs = node.outputs.map(printValue).join(', ')
  const inputs = node.inputs.map((value) => value?.name ?? '-').join(', ')
  const shown = plain.map(([name, value]) => `${name}: ${printAttribute(value)}`).join(', ')
  yield `${indent}${outputs} = ${node.op}(${inputs})${shown === '' ? '' : ` {${shown}}`}`
  for (const [name, value] of attributes) if (isGraph(value)) yield* graphLines(name, value, table, `${indent}  `)
}

function printValue(value: Value): string {
  return `${value.name}: ${printType(value)}`
}

/** `float32[batch, 64]`. */
export function printType({ dtype, shape }: Type): string {
  return `${dtype}${formatShape(shape)}`
}

function printContent(tensor: Tensor): string {
  if (tensor.size > SHOWN_ELEMENTS) return `constant of ${tensor.size} elements`
  return `constant ${JSON.stringify(tensor.toArray(), (_, item) => (typeof item === 'bigint' ? Number(item) : item))}`
}

function printAttribute(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  if (typeof value === 'object' && value !== null) return printContent(value as Tensor)
  return String(value)
}
