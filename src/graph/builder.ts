import { RekindleError } from '../errors.ts'
import { DTYPES, type DType, formatShape, isRawFloat, sizeOf, Tensor, tensor } from '../tensor/index.ts'
import { type Dim, type Graph, type Node, readsOf, type Type, type Value } from './ir.ts'
import type { AttrsOf, OpDef, Operand, OpName, OpTable } from './schema.ts'

/** Constants up to this many elements are shared when equal. */
const SHARED_CONSTANT_ELEMENTS = 64

/**
 * Writes a graph operator by operator, inferring types as it goes.
 * The table gives the operators their meaning; `ops/` exports the builder that is bound to it.
 */
export class Builder {
  readonly nodes: Node[] = []
  readonly inputs: Value[] = []
  readonly constants = new Map<Value, Tensor>()
  readonly table: OpTable
  readonly #parent: Builder | null
  readonly #shared = new Map<string, Value>()
  readonly #known = new Set<Value>()
  readonly #producers = new Map<Value, Node>()
  readonly #ids: { next: number }

  constructor(table: OpTable, parent: Builder | null = null) {
    this.table = table
    this.#parent = parent
    this.#ids = parent ? parent.#ids : { next: 0 }
  }

  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const value = this.#value({ dtype, shape }, name)
    this.inputs.push(value)
    return value
  }

  /** A value with fixed content. Equal small constants are one value. */
  constant(content: Tensor, name?: string): Value {
    const { dtype, shape, size, data } = content
    const key = size <= SHARED_CONSTANT_ELEMENTS && name === undefined ? `${dtype}|${shape}|${constantKey(data)}` : null
    const shared = key === null ? undefined : this.#shared.get(key)
    if (shared) return shared
    const value = this.#value({ dtype, shape }, name)
    this.constants.set(value, content)
    if (key !== null) this.#shared.set(key, value)
    return value
  }

  /** A scalar, float32 unless another dtype is given: a constant, for half-precision types cast from float32. */
  scalar(x: number | bigint | boolean, dtype: DType = 'float32'): Value {
    if (isRawFloat(dtype)) return this.op('Cast', [this.scalar(x)], { to: DTYPES[dtype].onnx })
    return this.constant(tensor(x, { dtype, shape: [] }))
  }

  /** An int64 vector constant: axes, shapes, pads. */
  ints(values: readonly number[]): Value {
    return this.constant(new Tensor('int64', [values.length], BigInt64Array.from(values, BigInt)))
  }

  /** A constant filled with one number, kept in full: `Expand` of a scalar is the way to large ones. */
  full(shape: readonly Dim[], x: number, dtype: DType = 'float32'): Value {
    if (isRawFloat(dtype)) return this.op('Cast', [this.full(shape, x)], { to: DTYPES[dtype].onnx })
    const dims = concreteShape(shape, 'full')
    return this.constant(tensor(new Array<number>(sizeOf(dims)).fill(x), { dtype, shape: dims }))
  }

  /** The first output of an operator. */
  op<K extends OpName>(name: K, inputs: readonly (Value | null)[], attrs: Partial<AttrsOf<K>> = {}): Value {
    return this.ops(name, inputs, attrs, 1)[0] as Value
  }

  /** All the outputs that are asked for; `names` gives them names (by default each gets its own). */
  ops<K extends OpName>(
    name: K,
    inputs: readonly (Value | null)[],
    attrs: Partial<AttrsOf<K>> = {},
    outputs = 1,
    names: readonly string[] = [],
  ): readonly Value[] {
    const def: OpDef<K> = this.table[name]
    if (def === undefined) throw new RekindleError('E_UNSUPPORTED_OP', `no operator ${name}`)
    const trimmed = trimTrailingNulls(inputs)
    const [least, most] = def.arity
    if (trimmed.length < least || trimmed.length > most) {
      throw new RekindleError('E_INVALID_GRAPH', `${name}: number of inputs`, {
        expected: least === most ? String(least) : `${least} to ${most}`,
        received: String(trimmed.length),
      })
    }
    const full = { ...def.attrs, ...attrs } as AttrsOf<K>
    const types = def.infer(
      trimmed.map((value) => value && this.#operand(value)),
      full,
      outputs,
    )
    const made = types.map((type, i) => this.#value(type, names[i] || undefined))
    const node: Node<K> = { op: name, inputs: trimmed, outputs: made, attrs: full }
    this.nodes.push(node as unknown as Node)
    for (const output of node.outputs) this.#producers.set(output, node as unknown as Node)
    return node.outputs
  }

  /**
   * Gives a node of this graph further outputs and other attributes; the outputs it has stay the same values.
   * Returns the new outputs. Gradient rules use it to keep what the backward pass needs.
   */
  extend<K extends OpName>(node: Node<K>, attrs: AttrsOf<K>, more: number): readonly Value[] {
    const place = this.nodes.indexOf(node as unknown as Node)
    if (place < 0) throw new RekindleError('E_INVALID_GRAPH', `${node.op} does not belong to this graph`)
    const def: OpDef<K> = this.table[node.op]
    const operands = node.inputs.map((value) => value && this.#operand(value))
    const types = def.infer(operands, attrs, node.outputs.length + more)
    const added = types.slice(node.outputs.length).map((type) => this.#value(type))
    const wider = { ...node, attrs, outputs: [...node.outputs, ...added] } as unknown as Node
    this.nodes[place] = wider
    for (const output of wider.outputs) this.#producers.set(output, wider)
    return added
  }

  /** The node that makes a value; undefined for inputs, constants and values of a graph around this one. */
  producerOf(value: Value): Node | undefined {
    return this.#producers.get(value)
  }

  /** The content of a constant of this graph or of a graph around it. */
  constantOf(value: Value): Tensor | undefined {
    return this.constants.get(value) ?? this.#parent?.constantOf(value)
  }

  /**
   * A graph inside this one. The body sees this builder's values as they are; those that it uses become captures.
   * `build` gets the nested builder and one value per input type.
   */
  subgraph(inputs: readonly (Type & { name?: string })[], build: (b: Builder, x: Value[]) => readonly Value[]): Graph {
    const inner = new Builder(this.table, this)
    const values = inputs.map((type, i) => inner.input(type.name ?? `in${i}_${this.#ids.next}`, type.dtype, type.shape))
    return inner.build(build(inner, values))
  }

  /** Does the value belong to this graph (and not to one around it)? */
  owns(value: Value): boolean {
    return this.#known.has(value)
  }

  /** The finished graph. */
  build(outputs: readonly Value[]): Graph {
    const captures = new Set<Value>()
    for (const value of [...this.nodes.flatMap(readsOf), ...outputs]) if (!this.#known.has(value)) captures.add(value)
    if (captures.size > 0 && !this.#parent) {
      const foreign = [...captures][0] as Value
      throw new RekindleError('E_INVALID_GRAPH', `value ${foreign.name} does not belong to this graph`)
    }
    return {
      inputs: [...this.inputs],
      outputs: [...outputs],
      nodes: [...this.nodes],
      constants: new Map(this.constants),
      captures: [...captures],
    }
  }

  #value(type: Type, name?: string): Value {
    const id = this.#ids.next++
    const { dtype, shape, content } = type
    const value: Value = { id, name: name ?? `v${id}`, dtype, shape, ...(content && { content }) }
    this.#known.add(value)
    return value
  }

  #operand(value: Value): Operand {
    const { dtype, shape, content } = value
    return { dtype, shape, content, constant: this.constantOf(value) }
  }
}

/** Symbolic sizes are refused with the name of the place that needs numbers. */
export function concreteShape(shape: readonly Dim[], where: string): number[] {
  return shape.map((dim) => {
    if (typeof dim === 'number') return dim
    throw new RekindleError('E_INVALID_SHAPE', 'needs a concrete shape', { where, received: formatShape(shape) })
  })
}

function constantKey(data: ArrayLike<unknown>): string {
  return Array.from(data, (x) => (Object.is(x, -0) ? '-0' : String(x))).join()
}

function trimTrailingNulls(inputs: readonly (Value | null)[]): readonly (Value | null)[] {
  let end = inputs.length
  while (end > 0 && inputs[end - 1] === null) end--
  return end === inputs.length ? inputs : inputs.slice(0, end)
}
