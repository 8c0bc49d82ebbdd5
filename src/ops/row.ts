import { RekindleError } from '../errors.ts'
import {
  type AttrsOf,
  type Dim,
  type GradContext,
  isGraph,
  type OpDef,
  type Operand,
  type OpName,
  type Type,
  type Value,
} from '../graph/index.ts'
import {
  DTYPES,
  type DType,
  formatShape,
  isInteger,
  isRawFloat,
  normalizeAxis,
  sizeOf,
  Tensor,
} from '../tensor/index.ts'
import { isConcrete } from './dims.ts'
import { type AttributeKind, type OpSchema, SCHEMAS, TYPE_SETS } from './schema.generated.ts'

/** Integer vectors up to this length carry their content along, so that shapes computed in the graph are known. */
const CONTENT_ELEMENTS = 64

/** What one operator's own code says; the rest of its row is in ONNX's schema. */
export interface OwnRow<K extends OpName> {
  readonly infer: (i: Inference<K>) => readonly Type[]
  readonly grad: OpDef<K>['grad']
  readonly fold?: (x: readonly (Tensor | null)[], attrs: AttrsOf<K>) => readonly Tensor[] | null
}

/** The row of an operator: ONNX's schema and what the house knows. Attribute kinds and dtypes are checked here once. */
export function row<K extends OpName>(op: K, own: OwnRow<K>): OpDef<K> {
  const schema: OpSchema<K> = SCHEMAS[op]
  const fold = own.fold && guardFold(own.fold)
  return {
    since: schema.since,
    attrs: schema.defaults,
    arity: schema.arity,
    infer: (x, attrs, outputs) => {
      const inference = new Inference(op, x, attrs, outputs)
      checkAttributes(inference, schema)
      checkDtypes(inference, schema)
      const types = own.infer(inference)
      if (outputs > types.length) inference.fail(`at most ${types.length} outputs, not ${outputs}`)
      // Some operators always have all their outputs.
      const asked = types.slice(0, Math.max(outputs, schema.outputs[0]))
      return fold ? withContent(inference, asked, fold) : asked
    },
    grad: own.grad,
    ...(fold && { fold }),
  }
}

/** What a row's `infer` sees of the node, with the ways to read it and to refuse it. */
export class Inference<K extends OpName> {
  readonly op: K
  readonly x: readonly (Operand | null)[]
  readonly attrs: AttrsOf<K>
  readonly outputs: number

  constructor(op: K, x: readonly (Operand | null)[], attrs: AttrsOf<K>, outputs: number) {
    this.op = op
    this.x = x
    this.attrs = attrs
    this.outputs = outputs
  }

  /** Input i, which must be there. */
  at(i: number): Operand {
    return this.x[i] ?? this.fail(`an input ${i}`, 'E_INVALID_GRAPH')
  }

  shape(i: number): readonly Dim[] {
    return this.at(i).shape
  }

  /** The shapes of all inputs that are there. */
  shapes(): readonly (readonly Dim[])[] {
    return this.x.flatMap((operand) => (operand ? [operand.shape] : []))
  }

  /** The first input's dtype with a shape: the type of most outputs. */
  like(shape: readonly Dim[], dtype: DType = this.at(0).dtype): Type {
    return { dtype, shape }
  }

  axis(axis: number, rank: number): number {
    return normalizeAxis(axis, rank, `${this.op} on ${this.#received()}`)
  }

  /** The content of integer input i, sizes maybe symbolic; null where it is known at run time only (or absent). */
  dims(i: number): readonly Dim[] | null {
    const operand = this.x[i]
    if (!operand) return null
    if (operand.shape.length > 1) this.fail(`a vector as input ${i}`)
    const { constant } = operand
    if (constant) return Array.from(constant.data as ArrayLike<number | bigint>, Number)
    return operand.content ?? null
  }

  /** The content of integer input i where it is known in numbers. */
  ints(i: number): readonly number[] | null {
    const dims = this.dims(i)
    return dims && isConcrete(dims) ? dims : null
  }

  fail(expected: string, code: 'E_INVALID_SHAPE' | 'E_INVALID_DTYPE' | 'E_INVALID_GRAPH' = 'E_INVALID_SHAPE'): never {
    throw new RekindleError(code, this.op, { expected, received: this.#received() })
  }

  #received(): string {
    const operands = this.x.map((operand) => (operand ? `${operand.dtype}${formatShape(operand.shape)}` : 'nothing'))
    return operands.join(', ') || 'no inputs'
  }
}

/** For the few forms of an operator whose gradient is not written. */
export function noGradient(op: OpName, expected: string): RekindleError {
  return new RekindleError('E_UNSUPPORTED_OP', `gradient through ${op}`, { expected })
}

/** A rule for outputs that do not move when the input does: the derivative is zero wherever it exists. */
export function flat(): readonly (Value | null)[] {
  return []
}

/** The first gradient of a single-output operator, which the walk only asks for when it is there. */
export function firstOf(g: Pick<GradContext, 'dy'>): Value {
  return g.dy[0] as Value
}

/** The gradients of the inputs in order, each built only where it is asked for. */
export function each<K extends OpName>(
  g: GradContext<K>,
  ...rules: readonly (() => Value)[]
): readonly (Value | null)[] {
  return rules.map((rule, i) => (g.need(i) ? rule() : null))
}

function checkAttributes<K extends OpName>(i: Inference<K>, schema: OpSchema<K>): void {
  const given = i.attrs as Readonly<Record<string, unknown>>
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(schema.attrs, name)) i.fail(`no attribute ${name}`, 'E_INVALID_GRAPH')
  }
  for (const [name, [kind, required]] of Object.entries(schema.attrs)) {
    const value = given[name]
    if (value === undefined ? required : !KIND_TEST[kind](value))
      i.fail(`attribute ${name}: ${kind}`, 'E_INVALID_GRAPH')
  }
}

const isNumbers = (value: unknown, test: (x: unknown) => boolean): boolean => Array.isArray(value) && value.every(test)

const KIND_TEST: Readonly<Record<AttributeKind, (value: unknown) => boolean>> = {
  int: Number.isSafeInteger,
  ints: (value) => isNumbers(value, Number.isSafeInteger),
  float: (value) => typeof value === 'number',
  floats: (value) => isNumbers(value, (x) => typeof x === 'number'),
  string: (value) => typeof value === 'string',
  strings: (value) => Array.isArray(value) && value.every((x) => typeof x === 'string'),
  tensor: (value) => value instanceof Tensor,
  graph: isGraph,
}

/** Each input's dtype against its constraint, and inputs that share a type parameter against each other. */
function checkDtypes<K extends OpName>(i: Inference<K>, schema: OpSchema<K>): void {
  const bound = new Map<string, DType>()
  for (const [n, operand] of i.x.entries()) {
    const [parameter, types] = schema.inputs[Math.min(n, schema.inputs.length - 1)] as readonly [string, number]
    if (operand === null) continue
    const allowed = TYPE_SETS[types] as readonly DType[]
    if (!allowed.includes(operand.dtype)) i.fail(`input ${n} of ${allowed.join(' | ')}`, 'E_INVALID_DTYPE')
    const before = bound.get(parameter)
    if (before !== undefined && before !== operand.dtype) i.fail(`input ${n} of ${before} too`, 'E_INVALID_DTYPE')
    if (parameter !== '*') bound.set(parameter, operand.dtype)
  }
}

type Fold<K extends OpName> = NonNullable<OpDef<K>['fold']>

/** Folds work on plain numbers: half-precision bits, complex pairs and strings are left to the engine. */
function guardFold<K extends OpName>(fold: Fold<K>): Fold<K> {
  const plain = (x: Tensor): boolean => !isRawFloat(x.dtype) && !['complex', 'string'].includes(DTYPES[x.dtype].kind)
  return (x, attrs) => (x.every((tensor) => tensor === null || plain(tensor)) ? fold(x, attrs) : null)
}

/** Short integer outputs of known inputs: their content, so that a Reshape further on knows its target. */
function withContent<K extends OpName>(i: Inference<K>, types: readonly Type[], fold: Fold<K>): readonly Type[] {
  const [type, ...more] = types
  if (!type || more.length > 0 || type.content || !isShort(type)) return types
  const inputs = i.x.map((operand) => operand && knownTensor(operand))
  if (inputs.includes(undefined)) return types
  const [folded] = fold(inputs as readonly (Tensor | null)[], i.attrs) ?? []
  if (!folded || !isShort(folded)) return types
  return [{ ...type, content: Array.from(folded.data as ArrayLike<number | bigint>, Number) }]
}

function isShort({ dtype, shape }: Type): boolean {
  return isInteger(dtype) && shape.length <= 1 && isConcrete(shape) && sizeOf(shape) <= CONTENT_ELEMENTS
}

function knownTensor({ dtype, shape, constant, content }: Operand): Tensor | undefined {
  if (constant) return constant.size <= CONTENT_ELEMENTS ? constant : undefined
  if (!content || !isConcrete(content) || !isConcrete(shape)) return undefined
  if (dtype === 'int64') return new Tensor(dtype, shape, BigInt64Array.from(content, BigInt))
  return dtype === 'int32' ? new Tensor(dtype, shape, Int32Array.from(content)) : undefined
}
