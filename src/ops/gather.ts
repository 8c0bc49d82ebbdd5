import type { AttrsOf, Builder, Dim, GradContext, OpTable, Value } from '../graph/index.ts'
import { normalizeAxis, sizeOf } from '../tensor/index.ts'
import { isConcrete, joinShapes } from './dims.ts'
import { type Element, elementsOf, FOLD_LIMIT, generate, intsOf, rearrange } from './fold.ts'
import { Formula, shapeOf, zerosLike } from './math.ts'
import { firstOf, type Inference, noGradient, row } from './row.ts'

/** The elements of a shape vector that constant indices pick. */
function gatheredContent(i: Inference<'Gather'>, shape: readonly Dim[]): readonly Dim[] | undefined {
  const content = i.x[0]?.content
  const indices = shape.length <= 1 && i.shape(1).length <= 1 ? i.ints(1) : null
  if (!content || !indices) return undefined
  return indices.map((index) => content.at(index) ?? i.fail(`indices below ${content.length}`))
}

/**
 * The gradient of Gather along its first axis is added up row by row with ScatterND; another axis comes to the front
 * first and goes back afterwards.
 */
function gatherGradient(g: GradContext<'Gather'>): Value {
  const { b } = g
  const [x, indices] = g.x as readonly [Value, Value]
  const axis = normalizeAxis(g.attrs.axis, x.shape.length)
  const [rank, depth] = [x.shape.length, indices.shape.length]
  const dy = firstOf(g)
  const wide = indices.dtype === 'int64' ? indices : b.op('Cast', [indices], { to: 7 })
  const rows = b.op('Unsqueeze', [wide, b.ints([-1])])
  if (axis === 0) return b.op('ScatterND', [zerosLike(b, x), rows, dy], { reduction: 'add' })
  const count = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)
  const front = [...count(axis, axis + depth), ...count(0, axis), ...count(axis + depth, rank - 1 + depth)]
  const lead = [axis, ...count(0, axis), ...count(axis + 1, rank)]
  const sizes = isConcrete(x.shape)
    ? b.ints(lead.map((n) => x.shape[n] as number))
    : b.op('Gather', [shapeOf(b, x), b.ints(lead)])
  const zeros = b.op('Expand', [new Formula(b, x.dtype).value(0), sizes])
  const updates = b.op('Transpose', [dy], { perm: front })
  const sum = b.op('ScatterND', [zeros, rows, updates], { reduction: 'add' })
  return b.op('Transpose', [sum], { perm: count(0, rank).map((n) => lead.indexOf(n)) })
}

/** Indices of GatherND with their batch coordinates written out in front. */
function withBatch(b: Builder, indices: Value, batch: number): Value {
  if (batch === 0) return indices
  if (!isConcrete(indices.shape)) throw noGradient('GatherND', 'indices of a known shape where batch_dims is set')
  const shape = indices.shape
  const rows = [...shape.slice(0, -1), 1]
  const coordinates = Array.from({ length: batch }, (_, axis) =>
    b.constant(
      generate('int64', rows, (i) => BigInt(Math.floor(i / sizeOf(rows.slice(axis + 1))) % (rows[axis] as number))),
    ),
  )
  return b.op('Concat', [...coordinates, indices], { axis: -1 })
}

/** What Scatter puts in the place of data: the data's gradient is zero there. */
function scatterGradient(
  g: GradContext<'ScatterElements'> | GradContext<'ScatterND'>,
  overwrite: (data: Value, indices: Value, updates: Value) => Value,
  pick: (data: Value, indices: Value) => Value,
): readonly (Value | null)[] {
  const [, indices, updates] = g.x as readonly [Value, Value, Value]
  const { reduction } = g.attrs
  if (!['none', 'add'].includes(reduction)) throw noGradient('ScatterND', `reduction none or add, not ${reduction}`)
  const dy = firstOf(g)
  return [
    g.need(0) ? (reduction === 'add' ? dy : overwrite(dy, indices, zerosLike(g.b, updates))) : null,
    null,
    g.need(2) ? pick(dy, indices) : null,
  ]
}

function checkReduction(i: Inference<'ScatterElements'> | Inference<'ScatterND'>): void {
  const { reduction } = i.attrs as AttrsOf<'ScatterND'>
  if (!['none', 'add', 'mul', 'max', 'min'].includes(reduction)) {
    ;(i as Inference<'ScatterND'>).fail(`reduction none, add, mul, max or min, not ${reduction}`)
  }
}

export const GATHER = {
  Gather: row('Gather', {
    infer: (i) => {
      const [data, indices] = [i.shape(0), i.shape(1)]
      const axis = i.axis(i.attrs.axis, data.length)
      const shape = [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)]
      return [{ ...i.like(shape), content: gatheredContent(i, shape) }]
    },
    grad: (g) => [g.need(0) ? gatherGradient(g) : null],
    fold: ([x, indices], attrs) => {
      if (!x || !indices) return null
      const axis = normalizeAxis(attrs.axis, x.shape.length)
      const size = x.shape[axis] as number
      const picks = intsOf(indices).map((index) => (index < 0 ? index + size : index))
      const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
      if (picks.some((index) => index < 0 || index >= size) || sizeOf(shape) > FOLD_LIMIT) return null
      const inner = sizeOf(x.shape.slice(axis + 1))
      const data = elementsOf(x)
      return [
        generate(x.dtype, shape, (i) => {
          const outer = Math.floor(i / (inner * picks.length))
          const pick = picks[Math.floor(i / inner) % picks.length] as number
          return data[(outer * size + pick) * inner + (i % inner)] as Element
        }),
      ]
    },
  }),
  GatherElements: row('GatherElements', {
    infer: (i) => {
      const [data, indices] = [i.shape(0), i.shape(1)]
      if (data.length !== indices.length) i.fail('data and indices of one rank')
      i.axis(i.attrs.axis, data.length)
      return [i.like(indices)]
    },
    grad: (g) => {
      const [x, indices] = g.x as readonly [Value, Value]
      const { axis } = g.attrs
      const inputs = [zerosLike(g.b, x), indices, firstOf(g)]
      return [g.need(0) ? g.b.op('ScatterElements', inputs, { axis, reduction: 'add' }) : null]
    },
    fold: ([x, indices], attrs) => {
      if (!x || !indices) return null
      const axis = normalizeAxis(attrs.axis, x.shape.length)
      const size = x.shape[axis] as number
      const picks = intsOf(indices)
      if (picks.some((index) => index < -size || index >= size)) return null
      let n = 0
      return [
        rearrange(x, indices.shape, (at) => {
          const index = picks[n++] as number
          return at.map((place, k) => (k === axis ? (index < 0 ? index + size : index) : place))
        }),
      ]
    },
  }),
  GatherND: row('GatherND', {
    infer: (i) => {
      const [data, indices] = [i.shape(0), i.shape(1)]
      const { batch_dims } = i.attrs
      const depth = indices.at(-1)
      if (typeof depth !== 'number') return i.fail('indices with a known last axis')
      const least = Math.min(data.length, indices.length - 1)
      if (batch_dims < 0 || batch_dims > least) i.fail(`batch_dims up to ${least}`)
      if (depth + batch_dims > data.length) i.fail(`indices of at most ${data.length - batch_dims} coordinates`)
      if (!joinShapes(data.slice(0, batch_dims), indices.slice(0, batch_dims))) i.fail('equal batch axes')
      return [i.like([...indices.slice(0, -1), ...data.slice(batch_dims + depth)])]
    },
    grad: (g) => {
      const [x, indices] = g.x as readonly [Value, Value]
      if (!g.need(0)) return []
      const places = withBatch(g.b, indices, g.attrs.batch_dims)
      return [g.b.op('ScatterND', [zerosLike(g.b, x), places, firstOf(g)], { reduction: 'add' })]
    },
  }),
  ScatterElements: row('ScatterElements', {
    infer: (i) => {
      const [data, indices, updates] = [i.shape(0), i.shape(1), i.shape(2)]
      checkReduction(i)
      i.axis(i.attrs.axis, data.length)
      if (data.length !== indices.length || !joinShapes(indices, updates)) {
        i.fail('indices and updates of one shape, of the rank of data')
      }
      return [i.like(data)]
    },
    grad: (g) => {
      const { axis } = g.attrs
      return scatterGradient(
        g,
        (data, indices, updates) => g.b.op('ScatterElements', [data, indices, updates], { axis }),
        (data, indices) => g.b.op('GatherElements', [data, indices], { axis }),
      )
    },
  }),
  ScatterND: row('ScatterND', {
    infer: (i) => {
      const [data, indices, updates] = [i.shape(0), i.shape(1), i.shape(2)]
      checkReduction(i)
      const depth = indices.at(-1)
      if (typeof depth !== 'number' || depth > data.length) i.fail(`indices of at most ${data.length} coordinates`)
      const expected = [...indices.slice(0, -1), ...data.slice(depth as number)]
      if (!joinShapes(expected, updates)) i.fail(`updates of shape [${expected.join(', ')}]`)
      return [i.like(data)]
    },
    grad: (g) =>
      scatterGradient(
        g,
        (data, indices, updates) => g.b.op('ScatterND', [data, indices, updates]),
        (data, indices) => g.b.op('GatherND', [data, indices]),
      ),
  }),
} satisfies Partial<OpTable>
