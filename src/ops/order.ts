import type { Dim, OpTable, Value } from '../graph/index.ts'
import { UNKNOWN } from './dims.ts'
import { zerosLike } from './math.ts'
import { firstOf, row } from './row.ts'

/** Operators that look at elements in their order along an axis. */
export const ORDER = {
  CumSum: row('CumSum', {
    infer: (i) => {
      for (const axis of i.ints(1) ?? []) i.axis(axis, i.shape(0).length)
      return [i.like(i.shape(0))]
    },
    grad: (g) => {
      const { exclusive, reverse } = g.attrs
      const inputs = [firstOf(g), g.x[1] as Value]
      return [g.need(0) ? g.b.op('CumSum', inputs, { exclusive, reverse: reverse ? 0 : 1 }) : null]
    },
  }),
  TopK: row('TopK', {
    infer: (i) => {
      const shape = i.shape(0)
      const axis = i.axis(i.attrs.axis, shape.length)
      const k: Dim = i.dims(1)?.[0] ?? UNKNOWN
      const size = shape[axis] as Dim
      if (typeof k === 'number' && (k < 0 || (typeof size === 'number' && k > size))) i.fail(`K from 0 to ${size}`)
      const kept = shape.map((dim, n) => (n === axis ? k : dim))
      return [i.like(kept), i.like(kept, 'int64')]
    },
    grad: (g) => {
      const [dy] = g.dy
      if (!dy) return []
      const { axis } = g.attrs
      return [g.b.op('ScatterElements', [zerosLike(g.b, g.x[0] as Value), g.y[1] as Value, dy], { axis })]
    },
  }),
} satisfies Partial<OpTable>
