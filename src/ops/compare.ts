import type { OpName, OpTable, Value } from '../graph/index.ts'
import { DTYPES, type Tensor } from '../tensor/index.ts'
import { broadcastShapes } from './dims.ts'
import { foldWith } from './elementwise.ts'
import { broadcastReader, type Element, type Elementwise, elementwise, generate } from './fold.ts'
import { broadcast, broadcastTo } from './infer.ts'
import { Formula } from './math.ts'
import { firstOf, flat, type OwnRow, row } from './row.ts'

/** A comparison: true or false, so no gradient flows through it. */
function comparison<K extends OpName>(holds: (a: Element, b: Element) => boolean): OwnRow<K> {
  const number = (a: Element, b: Element): number => (holds(a, b) ? 1 : 0)
  const how = { number, bigint: number }
  return {
    infer: broadcastTo('bool'),
    grad: flat,
    fold: (x) => {
      const result = elementwise(x as readonly Tensor[], how, 'bool')
      return result && [result]
    },
  }
}

function bits<K extends OpName>(how: Elementwise): OwnRow<K> {
  return { infer: broadcast, grad: flat, fold: foldWith(how) }
}

export const COMPARE = {
  Equal: row(
    'Equal',
    comparison((a, b) => a === b),
  ),
  Greater: row(
    'Greater',
    comparison((a, b) => a > b),
  ),
  GreaterOrEqual: row(
    'GreaterOrEqual',
    comparison((a, b) => a >= b),
  ),
  Less: row(
    'Less',
    comparison((a, b) => a < b),
  ),
  LessOrEqual: row(
    'LessOrEqual',
    comparison((a, b) => a <= b),
  ),
  And: row('And', bits({ number: (a, b) => a & b, bigint: null })),
  Or: row('Or', bits({ number: (a, b) => a | b, bigint: null })),
  Xor: row('Xor', bits({ number: (a, b) => a ^ b, bigint: null })),
  BitwiseAnd: row('BitwiseAnd', bits({ number: (a, b) => a & b, bigint: (a, b) => a & b })),
  BitwiseOr: row('BitwiseOr', bits({ number: (a, b) => a | b, bigint: (a, b) => a | b })),
  BitwiseXor: row('BitwiseXor', bits({ number: (a, b) => a ^ b, bigint: (a, b) => a ^ b })),
  BitShift: row('BitShift', {
    infer: (i) => {
      if (!['LEFT', 'RIGHT'].includes(i.attrs.direction)) i.fail('direction LEFT or RIGHT', 'E_INVALID_GRAPH')
      return broadcast(i)
    },
    grad: flat,
    // Shifts by the whole width and more are left to the engine.
    fold: (x, { direction }) => {
      const [values, by] = x as readonly [Tensor, Tensor]
      const width = DTYPES[values.dtype].bits
      if (Array.from(by.data as ArrayLike<Element>, Number).some((shift) => shift >= width)) return null
      return foldWith(
        direction === 'LEFT'
          ? { number: (a, b) => a * 2 ** b, bigint: (a, b) => a << b }
          : { number: (a, b) => a >>> b, bigint: (a, b) => a >> b },
      )(x)
    },
  }),
  Where: row('Where', {
    infer: (i) => {
      const shape = broadcastShapes(i.shapes()) ?? i.fail('shapes that broadcast')
      return [i.like(shape, i.at(1).dtype)]
    },
    grad: (g) => {
      const condition = g.x[0] as Value
      const dy = firstOf(g)
      const m = new Formula(g.b, dy.dtype)
      return [null, g.need(1) ? m.where(condition, dy, 0) : null, g.need(2) ? m.where(condition, 0, dy) : null]
    },
    fold: (x) => {
      const tensors = x as readonly [Tensor, Tensor, Tensor]
      const shape = broadcastShapes(tensors.map((tensor) => tensor.shape)) as readonly number[] | undefined
      if (shape === undefined) return null
      const [condition, yes, no] = tensors.map((tensor) => broadcastReader(tensor, shape)) as [Reader, Reader, Reader]
      return [generate(tensors[1].dtype, shape, (i) => (condition(i) ? yes(i) : no(i)))]
    },
  }),
} satisfies Partial<OpTable>

type Reader = (i: number) => Element
