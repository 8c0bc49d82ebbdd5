import type { OpName, OpTable, Value } from '../graph/index.ts'
import type { DType } from '../tensor/index.ts'
import { type Elementwise, elementwise } from './fold.ts'
import { same, sameShaped } from './infer.ts'
import { Formula } from './math.ts'
import { firstOf, flat, type OwnRow, row } from './row.ts'

/** dx from dy, x and y. */
type UnaryRule = (m: Formula, dy: Value, x: Value, y: Value) => Value

/** A function of one variable: its derivative and, where JavaScript has the same function, its value. */
function unary<K extends OpName>(
  rule: UnaryRule | 'flat',
  value?: Elementwise['number'],
  whole?: Elementwise['bigint'],
): OwnRow<K> {
  const how = { number: value ?? null, bigint: whole ?? null }
  return {
    infer: same,
    grad:
      rule === 'flat'
        ? flat
        : (g) => [rule(new Formula(g.b, firstOf(g).dtype), firstOf(g), g.x[0] as Value, g.y[0] as Value)],
    ...(value && { fold: ([x]) => folded(x, how) }),
  }
}

/** A test of one variable. */
function test<K extends OpName>(): OwnRow<K> {
  return { infer: sameShaped('bool'), grad: flat }
}

function folded(
  x: Parameters<NonNullable<OwnRow<'Neg'>['fold']>>[0][number] | undefined,
  how: Elementwise,
  dtype?: DType,
) {
  const result = x ? elementwise([x], how, dtype) : null
  return result && [result]
}

/** Halves go to the even neighbour. */
function roundHalfEven(x: number): number {
  const rounded = Math.round(x)
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

const TWO_BY_ROOT_PI = 2 / Math.sqrt(Math.PI)

export const UNARY = {
  Neg: row(
    'Neg',
    unary(
      (m, dy) => m.neg(dy),
      (x) => -x,
      (x) => -x,
    ),
  ),
  // The derivative of |x| at 0 is 0, as in TensorFlow.
  Abs: row(
    'Abs',
    unary(
      (m, dy, x) => m.mul(dy, m.sign(x)),
      Math.abs,
      (x) => (x < 0n ? -x : x),
    ),
  ),
  Sign: row(
    'Sign',
    unary('flat', Math.sign, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  ),
  Reciprocal: row(
    'Reciprocal',
    unary(
      (m, dy, _, y) => m.neg(m.mul(dy, m.square(y))),
      (x) => 1 / x,
    ),
  ),
  Sqrt: row(
    'Sqrt',
    unary((m, dy, _, y) => m.div(m.mul(dy, 0.5), y), Math.sqrt),
  ),
  Exp: row(
    'Exp',
    unary((m, dy, _, y) => m.mul(dy, y), Math.exp),
  ),
  Log: row(
    'Log',
    unary((m, dy, x) => m.div(dy, x), Math.log),
  ),
  Floor: row('Floor', unary('flat', Math.floor)),
  Ceil: row('Ceil', unary('flat', Math.ceil)),
  Round: row('Round', unary('flat', roundHalfEven)),
  Erf: row(
    'Erf',
    unary((m, dy, x) => m.mul(dy, m.mul(m.exp(m.neg(m.square(x))), TWO_BY_ROOT_PI))),
  ),
  Sin: row(
    'Sin',
    unary((m, dy, x) => m.mul(dy, m.b.op('Cos', [x])), Math.sin),
  ),
  Cos: row(
    'Cos',
    unary((m, dy, x) => m.neg(m.mul(dy, m.b.op('Sin', [x]))), Math.cos),
  ),
  Tan: row(
    'Tan',
    unary((m, dy, _, y) => m.mul(dy, m.add(m.square(y), 1)), Math.tan),
  ),
  Asin: row(
    'Asin',
    unary((m, dy, x) => m.div(dy, m.sqrt(m.sub(1, m.square(x)))), Math.asin),
  ),
  Acos: row(
    'Acos',
    unary((m, dy, x) => m.neg(m.div(dy, m.sqrt(m.sub(1, m.square(x))))), Math.acos),
  ),
  Atan: row(
    'Atan',
    unary((m, dy, x) => m.div(dy, m.add(m.square(x), 1)), Math.atan),
  ),
  Sinh: row(
    'Sinh',
    unary((m, dy, x) => m.mul(dy, m.b.op('Cosh', [x])), Math.sinh),
  ),
  Cosh: row(
    'Cosh',
    unary((m, dy, x) => m.mul(dy, m.b.op('Sinh', [x])), Math.cosh),
  ),
  Tanh: row(
    'Tanh',
    unary((m, dy, _, y) => m.mul(dy, m.sub(1, m.square(y))), Math.tanh),
  ),
  Asinh: row(
    'Asinh',
    unary((m, dy, x) => m.div(dy, m.sqrt(m.add(m.square(x), 1))), Math.asinh),
  ),
  Acosh: row(
    'Acosh',
    unary((m, dy, x) => m.div(dy, m.sqrt(m.sub(m.square(x), 1))), Math.acosh),
  ),
  Atanh: row(
    'Atanh',
    unary((m, dy, x) => m.div(dy, m.sub(1, m.square(x))), Math.atanh),
  ),
  IsNaN: row('IsNaN', test()),
  IsInf: row('IsInf', test()),
  Not: row('Not', { ...test(), fold: ([x]) => folded(x, { number: (value) => 1 - value, bigint: null }) }),
  BitwiseNot: row(
    'BitwiseNot',
    unary(
      'flat',
      (x) => ~x,
      (x) => ~x,
    ),
  ),
  Identity: row('Identity', {
    infer: (i) => [{ ...i.like(i.shape(0)), content: i.x[0]?.content }],
    grad: (g) => [firstOf(g)],
    fold: ([x]) => (x ? [x] : null),
  }),
} satisfies Partial<OpTable>
