import type { Builder, Dim, Value } from '../graph/index.ts'
import { DTYPES, type DType, isRawFloat } from '../tensor/index.ts'
import { isConcrete } from './dims.ts'

type Term = Value | number

/**
 * Formulas as code: `m.mul(dy, m.sub(1, m.square(y)))`. Plain numbers become scalars of the formula's dtype.
 */
export class Formula {
  readonly b: Builder
  readonly dtype: DType

  constructor(b: Builder, dtype: DType) {
    this.b = b
    this.dtype = dtype
  }

  add(x: Term, y: Term): Value {
    return this.#binary('Add', x, y)
  }

  sub(x: Term, y: Term): Value {
    return this.#binary('Sub', x, y)
  }

  mul(x: Term, y: Term): Value {
    return this.#binary('Mul', x, y)
  }

  div(x: Term, y: Term): Value {
    return this.#binary('Div', x, y)
  }

  pow(x: Term, y: Term): Value {
    return this.#binary('Pow', x, y)
  }

  less(x: Term, y: Term): Value {
    return this.#binary('Less', x, y)
  }

  greater(x: Term, y: Term): Value {
    return this.#binary('Greater', x, y)
  }

  equal(x: Term, y: Term): Value {
    return this.#binary('Equal', x, y)
  }

  where(condition: Value, x: Term, y: Term): Value {
    return this.b.op('Where', [condition, this.value(x), this.value(y)])
  }

  neg(x: Value): Value {
    return this.b.op('Neg', [x])
  }

  abs(x: Value): Value {
    return this.b.op('Abs', [x])
  }

  sign(x: Value): Value {
    return this.b.op('Sign', [x])
  }

  exp(x: Value): Value {
    return this.b.op('Exp', [x])
  }

  log(x: Value): Value {
    return this.b.op('Log', [x])
  }

  sqrt(x: Value): Value {
    return this.b.op('Sqrt', [x])
  }

  square(x: Value): Value {
    return this.mul(x, x)
  }

  /** 1 where the condition holds, else 0. */
  mask(condition: Value): Value {
    return this.like(condition)
  }

  /** The sum over axes, which stay as 1 unless told otherwise; without axes over all. */
  sum(x: Value, axes?: readonly number[], keepdims = 1): Value {
    return this.b.op('ReduceSum', axes ? [x, this.b.ints(axes)] : [x], { keepdims })
  }

  /** A value in the formula's dtype. */
  like(x: Value): Value {
    return x.dtype === this.dtype ? x : this.b.op('Cast', [x], { to: DTYPES[this.dtype].onnx })
  }

  /** A number as a scalar of the formula's dtype. */
  value(x: Term): Value {
    if (typeof x !== 'number') return x
    if (!isRawFloat(this.dtype)) return this.b.scalar(x, this.dtype)
    return this.b.op('Cast', [this.b.scalar(x)], { to: DTYPES[this.dtype].onnx })
  }

  #binary(op: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow' | 'Less' | 'Greater' | 'Equal', x: Term, y: Term): Value {
    return this.b.op(op, [this.value(x), this.value(y)])
  }
}

/** A value's shape as an int64 vector: constant where it is known in numbers. */
export function shapeOf(b: Builder, x: Value): Value {
  return isConcrete(x.shape) ? b.ints(x.shape) : b.op('Shape', [x])
}

/** A size as an int64 vector of one element. */
export function sizeAlong(b: Builder, x: Value, axis: number): Value {
  const dim = x.shape[axis] as Dim
  return typeof dim === 'number' ? b.ints([dim]) : b.op('Shape', [x], { start: axis, end: axis + 1 })
}

/** `x` in the shape of `like`. */
export function reshapeLike(b: Builder, x: Value, like: Value): Value {
  return b.op('Reshape', [x, shapeOf(b, like)])
}

/** Zeros in the shape and dtype of a value. */
export function zerosLike(b: Builder, like: Value): Value {
  return b.op('Expand', [new Formula(b, like.dtype).value(0), shapeOf(b, like)])
}
