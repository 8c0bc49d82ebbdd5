import { type ProtoErrors, ProtoMessage } from '../bytes/protobuf.ts'
import { RekindleError } from '../errors.ts'
import { type Builder, type Dim, type Graph, OPSET, type OpName, type Type, type Value } from '../graph/index.ts'
import { UNKNOWN } from '../ops/dims.ts'
import { newBuilder } from '../ops/index.ts'
import { type AttributeKind, SCHEMAS } from '../ops/schema.generated.ts'
import { dtypeFromOnnx } from '../tensor/index.ts'
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPE,
  CONTRIB_DOMAIN,
  DIM,
  GRAPH,
  MODEL,
  NODE,
  OPERATOR_SET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from './schema.ts'
import { decodeTensor, invalid } from './tensor.ts'

const ERRORS: ProtoErrors = { invalid: 'E_INVALID_ONNX', what: 'ONNX model' }
const STANDARD_DOMAINS: readonly string[] = ['', 'ai.onnx']

/**
 * The graph of an ONNX model that is made of the house's operators. Tensors are views on the bytes where their
 * alignment allows it; names of values are kept, types are inferred anew.
 *
 * @throws RekindleError `E_UNSUPPORTED_OP` naming an operator that we lack, `E_UNSUPPORTED_FORMAT` for another opset,
 * external data or functions, `E_INVALID_ONNX` or `E_TRUNCATED` for bytes that are no model.
 */
export function decodeModel(bytes: Uint8Array): Graph {
  const model = new ProtoMessage(bytes, ERRORS)
  const graph = model.message(MODEL.graph)
  if (graph === undefined) throw invalid('no graph')
  const opset = standardOpset(model)
  if (model.has(MODEL.functions)) throw new RekindleError('E_UNSUPPORTED_FORMAT', 'ONNX model with functions')
  const b = newBuilder()
  const scope = new Scope(null)
  const constants = readConstants(b, graph, scope)
  for (const input of graph.messages(GRAPH.input)) {
    const name = input.string(VALUE_INFO.name) ?? ''
    // Before IR version 4 every initializer was listed among the inputs as well.
    if (constants.has(name)) continue
    const { dtype, shape } = readType(input)
    scope.define(name, b.input(name, dtype, shape))
  }
  return b.build(readNodes(b, graph, scope, opset))
}

/** The names in sight: those of this graph, and those of the graphs around it. No name may be given twice. */
class Scope {
  readonly #outer: Scope | null
  readonly #values = new Map<string, Value>()

  constructor(outer: Scope | null) {
    this.#outer = outer
  }

  define(name: string, value: Value): void {
    if (name === '') throw invalid('a value without a name')
    if (this.find(name)) throw invalid(`the name ${name} is given twice`)
    this.#values.set(name, value)
  }

  lookUp(name: string, reader: string): Value {
    const value = this.find(name)
    if (value) return value
    throw invalid(`${reader} reads '${name}', which nothing before it makes`)
  }

  find(name: string): Value | undefined {
    return this.#values.get(name) ?? this.#outer?.find(name)
  }
}

function standardOpset(model: ProtoMessage): number {
  const found = model
    .messages(MODEL.opsetImport)
    .find((set) => STANDARD_DOMAINS.includes(set.string(OPERATOR_SET.domain) ?? ''))
  const version = found?.int(OPERATOR_SET.version)
  if (version === undefined) throw invalid('no opset version')
  if (version <= OPSET) return version
  throw new RekindleError('E_UNSUPPORTED_FORMAT', 'ONNX opset', {
    expected: `at most ${OPSET}`,
    received: `${version}`,
  })
}

function readConstants(b: Builder, graph: ProtoMessage, scope: Scope): ReadonlySet<string> {
  if (graph.has(GRAPH.sparseInitializer)) throw new RekindleError('E_UNSUPPORTED_FORMAT', 'ONNX sparse initializers')
  const names = new Set<string>()
  for (const message of graph.messages(GRAPH.initializer)) {
    const name = message.string(TENSOR.name) ?? ''
    names.add(name)
    scope.define(name, b.constant(decodeTensor(message, name), name))
  }
  return names
}

/** Appends the nodes and gives the graph's outputs. */
function readNodes(b: Builder, graph: ProtoMessage, scope: Scope, opset: number): readonly Value[] {
  for (const message of graph.messages(GRAPH.node)) readNode(b, message, scope, opset)
  return graph.messages(GRAPH.output).map((output) => {
    const name = output.string(VALUE_INFO.name) ?? ''
    const value = scope.lookUp(name, 'an output of the graph')
    const declared = output.has(VALUE_INFO.type) ? readType(output) : value
    if (declared.dtype === value.dtype) return value
    throw invalid(`dtype of output ${name}`, value.dtype, declared.dtype)
  })
}

function readNode(b: Builder, message: ProtoMessage, scope: Scope, opset: number): void {
  const op = operatorOf(message)
  const { since } = SCHEMAS[op]
  if (opset < since) {
    throw new RekindleError('E_UNSUPPORTED_OP', `${op} of opset ${opset}`, { expected: `opset ${since} to ${OPSET}` })
  }
  const where = `${op} ${message.string(NODE.name) ?? ''}`.trim()
  const inputs = message.strings(NODE.input).map((name) => (name === '' ? null : scope.lookUp(name, where)))
  const attributes = readAttributes(b, message, op, scope, opset)
  const names = message.strings(NODE.output)
  const outputs = withPlace(where, () => b.ops(op, inputs, attributes, names.length, names))
  for (const [i, name] of names.entries()) if (name !== '') scope.define(name, outputs[i] as Value)
}

function operatorOf(message: ProtoMessage): OpName {
  const domain = message.string(NODE.domain) ?? ''
  const type = message.string(NODE.opType) ?? ''
  const op = STANDARD_DOMAINS.includes(domain) ? type : `${domain}.${type}`
  if (isOpName(op)) return op
  throw new RekindleError('E_UNSUPPORTED_OP', `no operator ${op || "''"}`, {
    where: message.string(NODE.name) ?? '',
    expected: domain === CONTRIB_DOMAIN ? 'an operator of the ONNX standard' : 'an operator that Rekindle knows',
  })
}

function isOpName(op: string): op is OpName {
  return Object.hasOwn(SCHEMAS, op)
}

function readAttributes(
  b: Builder,
  node: ProtoMessage,
  op: OpName,
  scope: Scope,
  opset: number,
): Record<string, unknown> {
  const attributes: Record<string, unknown> = {}
  const known = SCHEMAS[op].attrs
  for (const message of node.messages(NODE.attribute)) {
    const name = message.string(ATTRIBUTE.name) ?? ''
    if (!Object.hasOwn(known, name)) throw invalid(`${op} has no attribute '${name}'`)
    if (message.has(ATTRIBUTE.reference)) throw invalid(`attribute ${name} of ${op} refers to a function's`)
    const [kind] = known[name] as readonly [AttributeKind, boolean]
    const type = message.int(ATTRIBUTE.type)
    if (type !== ATTRIBUTE_TYPE[kind]) throw invalid(`attribute ${name} of ${op}`, kind, `type ${type}`)
    attributes[name] = ATTRIBUTE_READERS[kind](message, name, (graph) => readSubgraph(b, graph, scope, opset))
  }
  return attributes
}

type AttributeReader = (message: ProtoMessage, name: string, readGraph: (graph: ProtoMessage) => Graph) => unknown

/** One row per attribute kind. A field that is absent has protobuf's default: 0 or empty. */
const ATTRIBUTE_READERS: Readonly<Record<AttributeKind, AttributeReader>> = {
  int: (message) => message.int(ATTRIBUTE.int) ?? 0,
  float: (message) => message.float(ATTRIBUTE.float) ?? 0,
  string: (message) => message.string(ATTRIBUTE.string) ?? '',
  strings: (message) => message.strings(ATTRIBUTE.strings),
  tensor: (message, name) => decodeTensor(required(message.message(ATTRIBUTE.tensor), name), name),
  graph: (message, name, readGraph) => readGraph(required(message.message(ATTRIBUTE.graph), name)),
  ints: (message) => message.ints(ATTRIBUTE.ints),
  floats: (message) => message.floats(ATTRIBUTE.floats),
}

function required(message: ProtoMessage | undefined, name: string): ProtoMessage {
  if (message) return message
  throw invalid(`attribute ${name} is empty`)
}

function readSubgraph(b: Builder, graph: ProtoMessage, outer: Scope, opset: number): Graph {
  const inputs = graph.messages(GRAPH.input).map((input) => ({
    ...readType(input),
    name: input.string(VALUE_INFO.name) ?? '',
  }))
  return b.subgraph(inputs, (inner, values) => {
    const scope = new Scope(outer)
    for (const [i, { name }] of inputs.entries()) scope.define(name, values[i] as Value)
    readConstants(inner, graph, scope)
    return readNodes(inner, graph, scope, opset)
  })
}

function readType(info: ProtoMessage): Type {
  const name = info.string(VALUE_INFO.name) ?? ''
  const tensor = info.message(VALUE_INFO.type)?.message(TYPE.tensor)
  if (tensor === undefined) throw new RekindleError('E_UNSUPPORTED_FORMAT', `ONNX value ${name} is not a tensor`)
  const code = tensor.int(TENSOR_TYPE.elementType) ?? 0
  const dtype = dtypeFromOnnx(code)
  if (dtype === undefined) throw new RekindleError('E_UNSUPPORTED_DTYPE', `ONNX value ${name}`, { received: `${code}` })
  const shape = tensor.message(TENSOR_TYPE.shape)
  if (shape === undefined) throw new RekindleError('E_UNSUPPORTED_FORMAT', `ONNX value ${name} has no rank`)
  return { dtype, shape: shape.messages(SHAPE.dim).map((dim) => readDim(dim, name)) }
}

function readDim(dim: ProtoMessage, name: string): Dim {
  const size = dim.int(DIM.value)
  if (size === undefined) return dim.string(DIM.parameter) || UNKNOWN
  if (size >= 0) return size
  throw invalid(`shape of ${name}`, 'sizes from 0', String(size))
}

/** What the operator table refuses is the file's fault here. */
function withPlace<T>(where: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RekindleError) || !error.code.startsWith('E_INVALID')) throw error
    throw new RekindleError('E_INVALID_ONNX', error.message, { where, cause: error })
  }
}
