import type { Dim, OpTable, Value } from '../graph/index.ts'
import { normalizeAxis, sizeOf, Tensor } from '../tensor/index.ts'
import { isConcrete, multiplyDims, UNKNOWN } from './dims.ts'
import { type Element, elementsOf, FOLD_LIMIT, generate, intsOf, isBig } from './fold.ts'
import { Formula } from './math.ts'
import { firstOf, flat, type Inference, row } from './row.ts'

/** The sizes from `start` to `end` of a shape; both may count from the end. */
function shapePart(shape: readonly Dim[], start: number, end: number | undefined): readonly Dim[] {
  return shape.slice(start, end ?? shape.length)
}

function scalar(i: Inference<'Range'>, n: number): number | null {
  const operand = i.at(n)
  if (operand.shape.length > 0) i.fail('scalars as start, limit and delta')
  const { constant, content } = operand
  const [known] = constant ? Array.from(elementsOf(constant), Number) : (content ?? [])
  return typeof known === 'number' ? known : null
}

/** `start + i·delta` below (or, counting down, above) `limit`. */
function rangeLength(start: number, limit: number, delta: number): number {
  return delta === 0 ? 0 : Math.max(0, Math.ceil((limit - start) / delta))
}

/** From 0 in steps of 1 a range is as long as its limit, even where that is symbolic. */
function inferRange(i: Inference<'Range'>): Dim {
  const [start, limit, delta] = [scalar(i, 0), scalar(i, 1), scalar(i, 2)]
  if (start !== null && limit !== null && delta !== null) return rangeLength(start, limit, delta)
  return start === 0 && delta === 1 ? (i.x[1]?.content?.[0] ?? UNKNOWN) : UNKNOWN
}

const ZERO = new Tensor('float32', [1], new Float32Array(1))

export const GENERATE = {
  Shape: row('Shape', {
    infer: (i) => {
      const content = shapePart(i.shape(0), i.attrs.start, i.attrs.end)
      return [{ dtype: 'int64', shape: [content.length], content }]
    },
    grad: flat,
    fold: ([x], { start, end }) => {
      const sizes = x ? (shapePart(x.shape, start, end) as readonly number[]) : null
      return sizes && [generate('int64', [sizes.length], (i) => BigInt(sizes[i] as number))]
    },
  }),
  Size: row('Size', {
    infer: (i) => [{ dtype: 'int64', shape: [], content: [multiplyDims(i.shape(0))] }],
    grad: flat,
    fold: ([x]) => (x ? [generate('int64', [], () => BigInt(x.size))] : null),
  }),
  ConstantOfShape: row('ConstantOfShape', {
    infer: (i) => {
      const { dtype } = i.attrs.value ?? ZERO
      const dims = i.dims(0)
      if (dims) return [{ dtype, shape: dims }]
      const rank = i.shape(0)[0]
      if (typeof rank !== 'number') return i.fail('a shape of known length')
      return [{ dtype, shape: Array.from({ length: rank }, () => UNKNOWN) }]
    },
    grad: flat,
    fold: ([x], { value = ZERO }) => {
      const shape = x && intsOf(x)
      const filling = elementsOf(value)[0] as Element
      return shape && sizeOf(shape) <= FOLD_LIMIT ? [generate(value.dtype, shape, () => filling)] : null
    },
  }),
  Range: row('Range', {
    infer: (i) => [i.like([inferRange(i)])],
    // y = start + i·delta
    grad: (g) => {
      const { b } = g
      const dy = firstOf(g)
      const m = new Formula(b, dy.dtype)
      const places = (): Value => b.op('Div', [m.sub(g.y[0] as Value, g.x[0] as Value), g.x[2] as Value])
      const sum = (x: Value): Value => m.sum(x, undefined, 0)
      return [g.need(0) ? sum(dy) : null, null, g.need(2) ? sum(m.mul(dy, places())) : null]
    },
    fold: (x) => {
      const [start, limit, delta] = x as readonly [Tensor, Tensor, Tensor]
      const [from, to, step] = [start, limit, delta].map((tensor) => Number(elementsOf(tensor)[0])) as [
        number,
        number,
        number,
      ]
      const length = rangeLength(from, to, step)
      if (length > FOLD_LIMIT) return null
      const big = isBig(start.dtype)
      return [generate(start.dtype, [length], (i) => (big ? BigInt(from + i * step) : from + i * step))]
    },
  }),
  NonZero: row('NonZero', {
    infer: (i) => [{ dtype: 'int64', shape: [i.shape(0).length, UNKNOWN] }],
    grad: flat,
  }),
  OneHot: row('OneHot', {
    infer: (i) => {
      const indices = i.shape(0)
      const depth = i.dims(1)?.[0] ?? UNKNOWN
      const axis = i.axis(i.attrs.axis, indices.length + 1)
      return [i.like([...indices.slice(0, axis), depth, ...indices.slice(axis)], i.at(2).dtype)]
    },
    // Each element is one of the two values: off or on.
    grad: (g) => {
      if (!g.need(2)) return []
      const { b } = g
      const [indices, depth] = g.x as readonly [Value, Value]
      const dy = firstOf(g)
      const m = new Formula(b, dy.dtype)
      const offOn = b.op(
        'Concat',
        [0, 1].map((x) => b.op('Unsqueeze', [m.value(x), b.ints([0])])),
        { axis: 0 },
      )
      const chosen = b.op('OneHot', [indices, depth, offOn], g.attrs)
      const vector = (x: Value): Value => b.op('Reshape', [x, b.ints([1])])
      const on = m.sum(m.mul(dy, chosen), undefined, 0)
      const off = m.sub(m.sum(dy, undefined, 0), on)
      return [null, null, b.op('Concat', [vector(off), vector(on)], { axis: 0 })]
    },
    fold: (x, attrs) => {
      const [indices, depth, values] = x as readonly [Tensor, Tensor, Tensor]
      const count = Number(elementsOf(depth)[0])
      const axis = normalizeAxis(attrs.axis, indices.shape.length + 1)
      const shape = [...indices.shape.slice(0, axis), count, ...indices.shape.slice(axis)]
      if (!isConcrete(shape) || sizeOf(shape) > FOLD_LIMIT) return null
      const inner = sizeOf(indices.shape.slice(axis))
      const picks = intsOf(indices)
      const [off, on] = elementsOf(values) as unknown as [Element, Element]
      return [
        generate(values.dtype, shape, (i) => {
          const pick = picks[Math.floor(i / (inner * count)) * inner + (i % inner)] as number
          return (pick < 0 ? pick + count : pick) === Math.floor(i / inner) % count ? on : off
        }),
      ]
    },
  }),
} satisfies Partial<OpTable>
