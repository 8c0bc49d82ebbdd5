import { RekindleError } from '../errors.ts'
import { sameShape, type Tensor } from '../tensor/index.ts'
import { type Graph, type Node, readsOf, subgraphsOf, type Type, type Value } from './ir.ts'
import { printType } from './print.ts'
import type { OpDef, Operand, OpTable } from './schema.ts'

/**
 * Checks all that a graph promises, in its subgraphs too: topological order, every read value made before or captured,
 * captures complete and exact, unique ids and names, and types equal to what the operator table infers. An inferred
 * size may be a number where the value has a name: passes make graphs more concrete.
 *
 * @throws RekindleError `E_INVALID_GRAPH` that names the node.
 */
export function verify(graph: Graph, table: OpTable): void {
  const [captured] = graph.captures
  if (captured) fail(`the outermost graph captures ${captured.name}`)
  verifyGraph(graph, { table, ids: new Set(), names: new Set(), outer: null })
}

interface Surroundings {
  readonly table: OpTable
  readonly ids: Set<number>
  readonly names: Set<string>
  readonly outer: Scope | null
}

/** What may be read at a place of a graph. */
class Scope {
  readonly #outer: Scope | null
  readonly #constants: ReadonlyMap<Value, Tensor>
  readonly own = new Set<Value>()

  constructor(outer: Scope | null, constants: ReadonlyMap<Value, Tensor>) {
    this.#outer = outer
    this.#constants = constants
  }

  sees(value: Value): boolean {
    return this.own.has(value) || (this.#outer?.sees(value) ?? false)
  }

  operand(value: Value): Operand {
    const { dtype, shape, content } = value
    return { dtype, shape, content, constant: this.constantOf(value) }
  }

  constantOf(value: Value): Tensor | undefined {
    return this.#constants.get(value) ?? this.#outer?.constantOf(value)
  }
}

function verifyGraph(graph: Graph, around: Surroundings): void {
  const scope = new Scope(around.outer, graph.constants)
  const outside = new Set<Value>()
  const define = (value: Value, where: string): void => {
    if (around.ids.has(value.id)) fail(`id ${value.id} of ${value.name} is given twice`, where)
    if (around.names.has(value.name)) fail(`the name ${value.name} is given twice`, where)
    around.ids.add(value.id)
    around.names.add(value.name)
    scope.own.add(value)
  }
  const read = (value: Value, where: string): void => {
    if (!scope.sees(value)) fail(`reads ${value.name}, which nothing before it makes`, where)
    if (!scope.own.has(value)) outside.add(value)
  }
  for (const value of graph.inputs) define(value, 'inputs')
  for (const [value, content] of graph.constants) {
    define(value, 'constants')
    if (!sameType(value, content)) fail(`constant ${value.name}`, 'constants', printType(value), printType(content))
  }
  for (const node of graph.nodes) {
    const where = describe(node)
    for (const value of readsOf(node)) read(value, where)
    for (const inner of subgraphsOf(node)) verifyGraph(inner, { ...around, outer: scope })
    verifyTypes(node, scope, around.table)
    for (const value of node.outputs) define(value, where)
  }
  for (const value of graph.outputs) read(value, 'outputs')
  verifyCaptures(graph, outside)
}

function verifyTypes(node: Node, scope: Scope, table: OpTable): void {
  const where = describe(node)
  const def = table[node.op] as unknown as OpDef | undefined
  if (def === undefined) fail('unknown operator', where)
  const [least, most] = def.arity
  const count = node.inputs.length
  if (count < least || count > most) fail('number of inputs', where, `${least} to ${most}`, String(count))
  const operands = node.inputs.map((value) => value && scope.operand(value))
  const types = inferTypes(node, def, operands, where)
  if (types.length !== node.outputs.length) {
    fail('number of outputs', where, String(types.length), String(node.outputs.length))
  }
  for (const [i, value] of node.outputs.entries()) {
    const inferred = types[i] as Type
    if (!fits(value, inferred)) fail(`type of ${value.name}`, where, printType(inferred), printType(value))
  }
}

function inferTypes(node: Node, def: OpDef, operands: readonly (Operand | null)[], where: string): readonly Type[] {
  try {
    return def.infer(operands, node.attrs, node.outputs.length)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new RekindleError('E_INVALID_GRAPH', message, { where, cause })
  }
}

function verifyCaptures(graph: Graph, outside: ReadonlySet<Value>): void {
  const listed = new Set(graph.captures)
  if (listed.size !== graph.captures.length) fail('a capture is listed twice')
  for (const value of outside) if (!listed.has(value)) fail(`reads ${value.name}, which is not among the captures`)
  for (const value of listed) if (!outside.has(value)) fail(`the capture ${value.name} is never read`)
}

function sameType(a: Type, b: Type): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape)
}

function fits(value: Type, inferred: Type): boolean {
  if (value.dtype !== inferred.dtype || value.shape.length !== inferred.shape.length) return false
  return value.shape.every(
    (dim, i) => dim === inferred.shape[i] || (typeof dim === 'string' && typeof inferred.shape[i] === 'number'),
  )
}

function describe(node: Node): string {
  return `${node.op} -> ${node.outputs.map((output) => output.name).join(', ')}`
}

function fail(message: string, where?: string, expected?: string, received?: string): never {
  throw new RekindleError('E_INVALID_GRAPH', message, {
    ...(where !== undefined && { where }),
    ...(expected !== undefined && { expected }),
    ...(received !== undefined && { received }),
  })
}
