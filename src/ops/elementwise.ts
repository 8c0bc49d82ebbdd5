import type { Dim, GradContext, OpName, OpTable, Type, Value } from '../graph/index.ts'
import { DTYPES, isInteger, type Tensor } from '../tensor/index.ts'
import { addDims, isConcrete, multiplyDims } from './dims.ts'
import { type Elementwise, elementsOf, elementwise, LARGER, SMALLER } from './fold.ts'
import { broadcast } from './infer.ts'
import { Formula } from './math.ts'
import { each, firstOf, type Inference, type OwnRow, row } from './row.ts'

type Fold = (x: readonly (Tensor | null)[]) => readonly Tensor[] | null

/** Folds an operator on all its inputs at once. */
export function foldWith(how: Elementwise): Fold {
  return (x) => wrapped(elementwise(present(x), how))
}

/** Folds a variadic operator two by two. */
function foldChain(how: Elementwise): Fold {
  return (x) => {
    const [first, ...rest] = present(x)
    return wrapped(
      rest.reduce<Tensor | null>((result, next) => result && elementwise([result, next], how), first ?? null),
    )
  }
}

function present(x: readonly (Tensor | null)[]): Tensor[] {
  return x.filter((tensor) => tensor !== null)
}

function wrapped(x: Tensor | null): readonly Tensor[] | null {
  return x && [x]
}

/** Broadcasting that keeps track of symbolic sizes computed one at a time. */
function sizes(combine: (dims: readonly Dim[]) => Dim): <K extends OpName>(i: Inference<K>) => readonly Type[] {
  return (i) => {
    const [type] = broadcast(i)
    const operands = i.shapes().every((shape) => shape.length <= 1) && [i.dims(0), i.dims(1)]
    if (!type || !operands) return broadcast(i)
    const dims = operands.flatMap((operand) => (operand?.length === 1 ? operand : []))
    if (dims.length < operands.length) return [type]
    return isInteger(type.dtype) && !isConcrete(dims) ? [{ ...type, content: [combine(dims)] }] : [type]
  }
}

function formulaOf<K extends OpName>(g: GradContext<K>): Formula {
  return new Formula(g.b, firstOf(g).dtype)
}

/** Integer division and remainder by zero are left to the engine. */
function nonzeroDivisor(fold: Fold): Fold {
  return (x) => {
    const divisor = x[1]
    const refused = divisor && isInteger(divisor.dtype) && Array.from(elementsOf(divisor), Number).includes(0)
    return refused ? null : fold(x)
  }
}

/** 32-bit integers multiply without passing through inexact doubles. */
const foldMul: Fold = (x) => {
  const exact = x[0]?.dtype === 'int32' || x[0]?.dtype === 'uint32'
  return foldWith({ number: exact ? Math.imul : (a, b) => a * b, bigint: (a, b) => a * b })(x)
}

/**
 * Max and Min. The first of equal inputs gets the gradient, as in TensorFlow's Maximum and Minimum.
 */
function extremum<K extends 'Max' | 'Min'>(wins: 'GreaterOrEqual' | 'LessOrEqual', pick: Elementwise): OwnRow<K> {
  return {
    infer: broadcast,
    grad: (g) => {
      const { b } = g
      const [first, second, ...rest] = g.x as readonly Value[]
      const m = formulaOf(g)
      const dy = firstOf(g)
      if (first === undefined || second === undefined) return [dy]
      if (rest.length === 0) {
        const firstWins = b.op(wins, [first, second])
        return each(
          g,
          () => m.where(firstWins, dy, 0),
          () => m.where(firstWins, 0, dy),
        )
      }
      let taken: Value | null = null
      return g.x.map((input, i) => {
        const equal = m.equal(input as Value, g.y[0] as Value)
        const mine: Value = taken === null ? equal : b.op('And', [equal, b.op('Not', [taken])])
        taken = taken === null ? equal : b.op('Or', [taken, equal])
        return g.need(i) ? m.where(mine, dy, 0) : null
      })
    },
    fold: foldChain(pick),
  }
}

/** The exponent of Pow where it is one constant number. */
function constantExponent(g: GradContext<'Pow'>): number | null {
  const exponent = g.b.constantOf(g.x[1] as Value)
  return exponent?.size === 1 && DTYPES[exponent.dtype].bits >= 32 ? Number(elementsOf(exponent)[0]) : null
}

/** d(x^p)/dx = p x^(p-1), with the cheap forms of the exponents that losses and norms use. */
function powerSlope(m: Formula, x: Value, exponent: Value, constant: number | null): Value {
  if (constant === 2) return m.mul(x, 2)
  if (constant === 1) return m.value(1)
  return m.mul(exponent, m.pow(x, constant === null ? m.sub(exponent, 1) : constant - 1))
}

export const ELEMENTWISE = {
  Add: row('Add', {
    infer: sizes(addDims),
    grad: (g) => [firstOf(g), firstOf(g)],
    fold: foldWith({ number: (a, b) => a + b, bigint: (a, b) => a + b }),
  }),
  Sub: row('Sub', {
    infer: broadcast,
    grad: (g) =>
      each(
        g,
        () => firstOf(g),
        () => formulaOf(g).neg(firstOf(g)),
      ),
    fold: foldWith({ number: (a, b) => a - b, bigint: (a, b) => a - b }),
  }),
  Mul: row('Mul', {
    infer: sizes(multiplyDims),
    grad: (g) =>
      each(
        g,
        () => formulaOf(g).mul(firstOf(g), g.x[1] as Value),
        () => formulaOf(g).mul(firstOf(g), g.x[0] as Value),
      ),
    fold: foldMul,
  }),
  Div: row('Div', {
    infer: broadcast,
    grad: (g) => {
      const m = formulaOf(g)
      const share = m.div(firstOf(g), g.x[1] as Value)
      return each(
        g,
        () => share,
        () => m.neg(m.mul(share, g.y[0] as Value)),
      )
    },
    // Whole numbers divide towards zero, as in C.
    fold: nonzeroDivisor((x) => {
      const whole = x[0] !== null && x[0] !== undefined && isInteger(x[0].dtype)
      return foldWith({ number: whole ? (a, b) => Math.trunc(a / b) : (a, b) => a / b, bigint: (a, b) => a / b })(x)
    }),
  }),
  Mod: row('Mod', {
    infer: (i) => {
      if (i.attrs.fmod === 0 && !isInteger(i.at(0).dtype)) i.fail('integers, or fmod=1', 'E_INVALID_DTYPE')
      return broadcast(i)
    },
    // y = a - b·trunc(a / b)
    grad: (g) => {
      const m = formulaOf(g)
      const [a, divisor] = g.x as readonly [Value, Value]
      return each(
        g,
        () => firstOf(g),
        () => m.neg(m.mul(firstOf(g), g.b.op('Round', [m.div(m.sub(a, g.y[0] as Value), divisor)]))),
      )
    },
    // fmod takes the sign of the dividend (C), otherwise the divisor's (Python).
    fold: (x, { fmod }) =>
      nonzeroDivisor(
        foldWith(
          fmod
            ? { number: (a, b) => a % b, bigint: (a, b) => a % b }
            : { number: (a, b) => ((a % b) + b) % b, bigint: (a, b) => ((a % b) + b) % b },
        ),
      )(x),
  }),
  Pow: row('Pow', {
    infer: broadcast,
    grad: (g) => {
      const m = formulaOf(g)
      const [x, power] = g.x as readonly [Value, Value]
      const exponent = power.dtype === x.dtype ? power : g.b.op('CastLike', [power, x])
      return each(
        g,
        () => m.mul(firstOf(g), powerSlope(m, x, exponent, constantExponent(g))),
        // The logarithm of what is not positive counts as 0, as in TensorFlow.
        () => {
          const positive = m.greater(x, 0)
          const log = m.where(positive, m.log(m.where(positive, x, 1)), 0)
          return m.mul(firstOf(g), m.mul(g.y[0] as Value, log))
        },
      )
    },
  }),
  Min: row('Min', extremum('LessOrEqual', SMALLER)),
  Max: row('Max', extremum('GreaterOrEqual', LARGER)),
  Sum: row('Sum', {
    infer: broadcast,
    grad: (g) => g.x.map(() => firstOf(g)),
    fold: foldChain({ number: (a, b) => a + b, bigint: null }),
  }),
  Mean: row('Mean', {
    infer: broadcast,
    grad: (g) => {
      const share = formulaOf(g).div(firstOf(g), g.x.length)
      return g.x.map(() => share)
    },
  }),
  Clip: row('Clip', {
    infer: (i) => {
      for (const bound of [1, 2]) if (i.x[bound] && i.shape(bound).length > 0) i.fail('scalars as min and max')
      return [i.like(i.shape(0))]
    },
    // A value on the border is not clipped: it keeps its gradient, as with TensorFlow's clip_by_value.
    grad: (g) => {
      const m = formulaOf(g)
      const dy = firstOf(g)
      const [x, low = null, high = null] = g.x as readonly [Value, Value?, Value?]
      const below = low && m.less(x, low)
      const above = high && m.greater(x, high)
      const outside = below && above ? g.b.op('Or', [below, above]) : (below ?? above)
      return each(
        g,
        () => (outside ? m.where(outside, 0, dy) : dy),
        () => m.where(below as Value, dy, 0),
        () => m.where(above as Value, dy, 0),
      )
    },
    fold: ([x, low = null, high = null]) => {
      const raised = x && low ? foldWith(LARGER)([x, low]) : x && [x]
      const [inside] = raised ?? []
      if (!inside || !high) return raised ?? null
      return foldWith(SMALLER)([inside, high])
    },
  }),
} satisfies Partial<OpTable>
