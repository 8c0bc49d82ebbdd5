import { ProtoWriter } from '../bytes/protobuf.ts'
import { RekindleError } from '../errors.ts'
import { type Graph, type Node, OPSET, type OpName, subgraphsOf, type Type } from '../graph/index.ts'
import { UNKNOWN } from '../ops/dims.ts'
import { type AttributeKind, SCHEMAS } from '../ops/schema.generated.ts'
import { DTYPES, type Tensor } from '../tensor/index.ts'
import { Names } from './names.ts'
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPE,
  CONTRIB_DOMAIN,
  DIM,
  GRAPH,
  IR_VERSION,
  MODEL,
  NODE,
  OPERATOR_SET,
  SHAPE,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from './schema.ts'
import { encodeTensor } from './tensor.ts'

export interface EncodeOptions {
  /** Who wrote the model; `rekindle` by default. */
  readonly producer?: string
}

/** Protobuf readers refuse longer messages. */
const MAX_BYTES = 2 ** 31 - 1

/**
 * A graph as ONNX `ModelProto` bytes: constants as initializers, symbolic sizes as `dim_param`, left-out inputs as ''.
 * Inputs and outputs keep their names. The same graph gives the same bytes.
 *
 * @throws RekindleError `E_INVALID_GRAPH` for clashing names or captures of the outermost graph, `E_LIMIT` for a model
 * of 2 GiB and more.
 */
export function encodeModel(graph: Graph, options: EncodeOptions = {}): Uint8Array {
  return modelMessage(graph, options).finish()
}

/** The same bytes in parts: large constants as views on their tensors. */
export function encodeModelChunks(graph: Graph, options: EncodeOptions = {}): readonly Uint8Array[] {
  return modelMessage(graph, options).chunks()
}

function modelMessage(graph: Graph, { producer = 'rekindle' }: EncodeOptions): ProtoWriter {
  const [captured] = graph.captures
  if (captured) throw new RekindleError('E_INVALID_GRAPH', `the outermost graph captures ${captured.name}`)
  const model = new ProtoWriter()
  model.varint(MODEL.irVersion, IR_VERSION)
  model.string(MODEL.producerName, producer)
  model.message(MODEL.graph, new GraphEncoder(new Names(graph)).graph(graph, 'graph', false))
  model.message(MODEL.opsetImport, operatorSet('', OPSET))
  if (usesContrib(graph)) model.message(MODEL.opsetImport, operatorSet(CONTRIB_DOMAIN, 1))
  if (model.size <= MAX_BYTES) return model
  throw new RekindleError('E_LIMIT', 'ONNX model in one file', {
    expected: `at most ${MAX_BYTES} bytes`,
    received: String(model.size),
  })
}

function operatorSet(domain: string, version: number): ProtoWriter {
  const out = new ProtoWriter()
  out.string(OPERATOR_SET.domain, domain)
  out.varint(OPERATOR_SET.version, version)
  return out
}

function usesContrib(graph: Graph): boolean {
  return graph.nodes.some((node) => splitOp(node.op).domain !== '' || subgraphsOf(node).some(usesContrib))
}

/** `com.microsoft.FusedMatMul` is the operator FusedMatMul of the domain com.microsoft. */
function splitOp(op: string): { domain: string; type: string } {
  const dot = op.lastIndexOf('.')
  return { domain: op.slice(0, Math.max(dot, 0)), type: op.slice(dot + 1) }
}

class GraphEncoder {
  readonly #names: Names

  constructor(names: Names) {
    this.#names = names
  }

  graph(graph: Graph, name: string, nested: boolean): ProtoWriter {
    const out = new ProtoWriter()
    for (const node of graph.nodes) out.message(GRAPH.node, this.#node(node))
    const outputs = nested ? this.#subgraphOutputs(graph, out) : this.#modelOutputs(graph)
    out.string(GRAPH.name, name)
    for (const [value, tensor] of graph.constants) {
      out.message(GRAPH.initializer, encodeTensor(tensor, this.#names.of(value)))
    }
    for (const value of graph.inputs) out.message(GRAPH.input, valueInfo(this.#names.of(value), value))
    for (const [outputName, type] of outputs) out.message(GRAPH.output, valueInfo(outputName, type))
    return out
  }

  /** A model's outputs are found by name, so that a repeated one is written once. */
  #modelOutputs(graph: Graph): (readonly [string, Type])[] {
    return [...new Set(graph.outputs)].map((value) => [this.#names.of(value), value])
  }

  /** A subgraph's outputs are found by position and must be made inside it: others pass through an Identity. */
  #subgraphOutputs(graph: Graph, out: ProtoWriter): (readonly [string, Type])[] {
    const own = new Set(graph.nodes.flatMap((node) => node.outputs))
    return graph.outputs.map((value) => {
      const name = this.#names.of(value)
      if (own.delete(value)) return [name, value]
      const copy = this.#names.fresh(name)
      const identity = new ProtoWriter()
      identity.string(NODE.input, name)
      identity.string(NODE.output, copy)
      identity.string(NODE.opType, 'Identity')
      out.message(GRAPH.node, identity)
      return [copy, value]
    })
  }

  #node(node: Node): ProtoWriter {
    const { domain, type } = splitOp(node.op)
    const out = new ProtoWriter()
    for (const value of node.inputs) out.string(NODE.input, value === null ? '' : this.#names.of(value))
    for (const value of node.outputs) out.string(NODE.output, this.#names.of(value))
    const [first] = node.outputs
    if (first) out.string(NODE.name, this.#names.of(first))
    out.string(NODE.opType, type)
    const attributes = Object.entries(node.attrs as Record<string, unknown>).filter(([, value]) => value !== undefined)
    for (const [name, value] of attributes.sort(([a], [b]) => (a < b ? -1 : 1))) {
      out.message(NODE.attribute, this.#attribute(node.op, name, value))
    }
    if (domain !== '') out.string(NODE.domain, domain)
    return out
  }

  #attribute(op: OpName, name: string, value: unknown): ProtoWriter {
    const kind = SCHEMAS[op]?.attrs[name]?.[0]
    if (kind === undefined) throw new RekindleError('E_INVALID_GRAPH', `${op} has no attribute ${name}`)
    const out = new ProtoWriter()
    out.string(ATTRIBUTE.name, name)
    ATTRIBUTE_WRITERS[kind](out, value, (graph) => this.graph(graph, name, true))
    out.varint(ATTRIBUTE.type, ATTRIBUTE_TYPE[kind])
    return out
  }
}

type AttributeWriter = (out: ProtoWriter, value: unknown, encodeGraph: (graph: Graph) => ProtoWriter) => void

/** One row per attribute kind. The operator table has checked the values when the node was made. */
const ATTRIBUTE_WRITERS: Readonly<Record<AttributeKind, AttributeWriter>> = {
  int: (out, value) => out.varint(ATTRIBUTE.int, value as number),
  float: (out, value) => out.float(ATTRIBUTE.float, value as number),
  string: (out, value) => out.string(ATTRIBUTE.string, value as string),
  strings: (out, value) => {
    for (const text of value as readonly string[]) out.string(ATTRIBUTE.strings, text)
  },
  tensor: (out, value) => out.message(ATTRIBUTE.tensor, encodeTensor(value as Tensor, '')),
  graph: (out, value, encodeGraph) => out.message(ATTRIBUTE.graph, encodeGraph(value as Graph)),
  ints: (out, value) => out.packedVarints(ATTRIBUTE.ints, value as readonly number[]),
  floats: (out, value) => out.packedFloats(ATTRIBUTE.floats, value as readonly number[]),
}

function valueInfo(name: string, type: Type): ProtoWriter {
  const shape = new ProtoWriter()
  for (const size of type.shape) {
    const dim = new ProtoWriter()
    if (typeof size === 'number') dim.varint(DIM.value, size)
    else if (size !== UNKNOWN) dim.string(DIM.parameter, size)
    shape.message(SHAPE.dim, dim)
  }
  const tensorType = new ProtoWriter()
  tensorType.varint(TENSOR_TYPE.elementType, DTYPES[type.dtype].onnx)
  tensorType.message(TENSOR_TYPE.shape, shape)
  const typeMessage = new ProtoWriter()
  typeMessage.message(TYPE.tensor, tensorType)
  const out = new ProtoWriter()
  out.string(VALUE_INFO.name, name)
  out.message(VALUE_INFO.type, typeMessage)
  return out
}
