import type { AttrsOf, Dim, GradContext, OpName, OpTable, Type, Value } from '../graph/index.ts'
import { normalizeAxis, sizeOf, type Tensor } from '../tensor/index.ts'
import { isConcrete, UNKNOWN } from './dims.ts'
import {
  coordinatesOf,
  type Element,
  elementsOf,
  generate,
  intsOf,
  isBig,
  LARGER,
  type Pairwise,
  SMALLER,
} from './fold.ts'
import { Formula, shapeOf } from './math.ts'
import { firstOf, flat, type Inference, type OwnRow, row } from './row.ts'

type ReduceOp = Extract<OpName, `Reduce${string}`>
type ArgOp = 'ArgMax' | 'ArgMin'

/** The axes that a reduction runs over; null where they are known at run time only. */
function axesOf(
  given: readonly number[] | null,
  absent: boolean,
  noop: number,
  rank: number,
): readonly number[] | null {
  if (given === null && !absent) return null
  const axes = given ?? []
  if (axes.length === 0) return noop ? [] : Array.from({ length: rank }, (_, axis) => axis)
  return axes.map((axis) => normalizeAxis(axis, rank, 'axes'))
}

function reducedShape(shape: readonly Dim[], axes: readonly number[], keepdims: number): readonly Dim[] {
  return shape.flatMap((dim, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [dim]))
}

function inferReduce<K extends ReduceOp>(i: Inference<K>): readonly Type[] {
  const { keepdims, noop_with_empty_axes } = i.attrs as AttrsOf<ReduceOp>
  const shape = i.shape(0)
  const axes = axesOf(i.ints(1), !i.x[1], noop_with_empty_axes, shape.length)
  if (axes) return [i.like(reducedShape(shape, axes, keepdims))]
  const count = i.shape(1)[0]
  if (keepdims) return [i.like(shape.map(() => UNKNOWN))]
  if (typeof count !== 'number') i.fail('constant axes, or keepdims=1')
  return [i.like(Array.from({ length: shape.length - count }, () => UNKNOWN))]
}

/** A reduction inside its own gradient: outputs and gradients stretched to where they broadcast against x. */
interface Reduction {
  readonly m: Formula
  readonly x: Value
  readonly y: Value
  readonly dy: Value
  /** Adds up over the same axes and keeps them as 1. */
  readonly sum: (x: Value) => Value
  /** How many elements went into each output. */
  readonly count: () => Value
  readonly product: (x: Value) => Value
}

/** A reduction: what each element's share of the gradient is, and how two elements become one. */
function reduction<K extends ReduceOp>(rule: (r: Reduction) => Value, fold?: ReduceFold): OwnRow<K> {
  return {
    infer: inferReduce,
    grad: (g) => {
      const { b } = g
      const x = g.x[0] as Value
      const share = rule(reductionOf(g as unknown as GradContext<ReduceOp>))
      return [b.op('Expand', [share, shapeOf(b, x)])]
    },
    ...(fold && { fold: (x, attrs) => foldReduce(x, attrs as AttrsOf<ReduceOp>, fold) }),
  }
}

function reductionOf(g: GradContext<ReduceOp>): Reduction {
  const { b } = g
  const [x, axes = null] = g.x as readonly [Value, Value?]
  const m = new Formula(b, x.dtype)
  const inputs = axes ? [x, axes] : [x]
  const over = (value: Value): readonly Value[] => [value, ...inputs.slice(1)]
  const attrs = { keepdims: 1, noop_with_empty_axes: g.attrs.noop_with_empty_axes }
  const sum = (value: Value): Value => b.op('ReduceSum', over(value), attrs)
  // Without keepdims the axes come back as 1, in the shape that a kept reduction would have.
  const stretch = (value: Value): Value => {
    if (g.attrs.keepdims) return value
    const content = axes && b.constantOf(axes)
    const known = axesOf(content ? intsOf(content) : null, !axes, attrs.noop_with_empty_axes, x.shape.length)
    const kept = known && reducedShape(x.shape, known, 1)
    return b.op('Reshape', [value, kept && isConcrete(kept) ? b.ints(kept) : b.op('Shape', [sum(x)])])
  }
  return {
    m,
    x,
    y: stretch(g.y[0] as Value),
    dy: stretch(firstOf(g)),
    sum,
    count: () => countOf(x, g.y[0] as Value, m) ?? sum(b.op('Expand', [m.value(1), shapeOf(b, x)])),
    product: (value) => b.op('ReduceProd', over(value), attrs),
  }
}

/** Elements that went into each output, as one number where the shapes are known. */
function countOf(x: Value, y: Value, m: Formula): Value | null {
  if (!isConcrete(x.shape) || !isConcrete(y.shape)) return null
  return m.value(sizeOf(x.shape) / sizeOf(y.shape))
}

/** Equal extremes share the gradient evenly, as in TensorFlow. */
function evenly({ m, x, y, dy, sum }: Reduction): Value {
  const chosen = m.mask(m.equal(x, y))
  return m.mul(chosen, m.div(dy, sum(chosen)))
}

/** The product of the others, right where factors are 0. */
function productSlope({ m, x, dy, sum, product }: Reduction): Value {
  const isZero = m.equal(x, m.value(0))
  const zeros = sum(m.mask(isZero))
  const factors = m.where(isZero, 1, x)
  const rest = product(factors)
  const atZero = m.where(m.equal(zeros, 1), rest, 0)
  const elsewhere = m.where(m.equal(zeros, m.value(0)), m.div(rest, factors), 0)
  return m.mul(dy, m.where(isZero, atZero, elsewhere))
}

interface ReduceFold extends Pairwise {
  /** Divide by the number of elements. */
  readonly mean?: boolean
}

function foldReduce(
  [x, axesTensor]: readonly (Tensor | null)[],
  { keepdims, noop_with_empty_axes }: AttrsOf<ReduceOp>,
  how: ReduceFold,
): readonly Tensor[] | null {
  if (!x || x.size === 0) return null
  const given = axesTensor ? intsOf(axesTensor) : null
  const axes = axesOf(given, !axesTensor, noop_with_empty_axes, x.shape.length) as readonly number[]
  const shape = reducedShape(x.shape, axes, keepdims) as readonly number[]
  const kept = reducedShape(x.shape, axes, 1) as readonly number[]
  const groups = new Map<number, Element>()
  const combine = (isBig(x.dtype) ? how.bigint : how.number) as (a: Element, b: Element) => Element
  const data = elementsOf(x)
  for (let i = 0; i < x.size; i++) {
    const at = coordinatesOf(i, x.shape)
    const place = kept.reduce((sum, size, axis) => sum * size + (axes.includes(axis) ? 0 : (at[axis] as number)), 0)
    const before = groups.get(place)
    groups.set(place, before === undefined ? (data[i] as Element) : combine(before, data[i] as Element))
  }
  const count = x.size / groups.size
  const finish = (value: Element): Element => {
    if (!how.mean) return value
    return typeof value === 'bigint' ? value / BigInt(count) : value / count
  }
  return [generate(x.dtype, shape, (i) => finish(groups.get(i) as Element))]
}

function argument<K extends ArgOp>(better: (a: Element, b: Element) => boolean): OwnRow<K> {
  return {
    infer: (i) => {
      const { axis, keepdims } = i.attrs as AttrsOf<ArgOp>
      const shape = i.shape(0)
      return [i.like(reducedShape(shape, [i.axis(axis, shape.length)], keepdims), 'int64')]
    },
    grad: flat,
    fold: ([x], attrs) => {
      const { axis, keepdims, select_last_index } = attrs as AttrsOf<ArgOp>
      if (!x || x.size === 0) return null
      const along = normalizeAxis(axis, x.shape.length)
      const length = x.shape[along] as number
      const inner = x.shape.slice(along + 1).reduce((product, size) => product * size, 1)
      const data = elementsOf(x)
      const shape = reducedShape(x.shape, [along], keepdims) as readonly number[]
      return [
        generate('int64', shape, (i) => {
          const start = Math.floor(i / inner) * length * inner + (i % inner)
          const at = (k: number): Element => data[start + k * inner] as Element
          let best = 0
          for (let k = 1; k < length; k++) {
            if (better(at(k), at(best)) || (select_last_index && at(k) === at(best))) best = k
          }
          return BigInt(best)
        }),
      ]
    },
  }
}

export const REDUCE = {
  ReduceSum: row(
    'ReduceSum',
    reduction(({ dy }) => dy, { number: (a, b) => a + b, bigint: (a, b) => a + b }),
  ),
  ReduceMean: row(
    'ReduceMean',
    reduction(({ m, dy, count }) => m.div(dy, count()), {
      number: (a, b) => a + b,
      bigint: (a, b) => a + b,
      mean: true,
    }),
  ),
  ReduceMax: row('ReduceMax', reduction(evenly, LARGER)),
  ReduceMin: row('ReduceMin', reduction(evenly, SMALLER)),
  ReduceProd: row('ReduceProd', reduction(productSlope, { number: (a, b) => a * b, bigint: (a, b) => a * b })),
  ReduceL1: row(
    'ReduceL1',
    reduction(({ m, x, dy }) => m.mul(dy, m.sign(x))),
  ),
  // x / ‖x‖; at ‖x‖ = 0 the gradient is 0 (TensorFlow's is NaN there, torch's 0).
  ReduceL2: row(
    'ReduceL2',
    reduction(({ m, x, y, dy }) => {
      const isZero = m.equal(y, m.value(0))
      return m.mul(dy, m.div(x, m.where(isZero, 1, y)))
    }),
  ),
  ReduceSumSquare: row(
    'ReduceSumSquare',
    reduction(({ m, x, dy }) => m.mul(m.mul(dy, 2), x)),
  ),
  ReduceLogSum: row(
    'ReduceLogSum',
    reduction(({ m, x, dy, sum }) => m.div(dy, sum(x))),
  ),
  ReduceLogSumExp: row(
    'ReduceLogSumExp',
    reduction(({ m, x, y, dy }) => m.mul(dy, m.exp(m.sub(x, y)))),
  ),
  ArgMax: row(
    'ArgMax',
    argument((a, b) => a > b),
  ),
  ArgMin: row(
    'ArgMin',
    argument((a, b) => a < b),
  ),
} satisfies Partial<OpTable>
