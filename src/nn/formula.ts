import type { Builder, Value } from '../graph/index.ts'
import { Formula } from '../ops/math.ts'
import { DTYPES, type DType } from '../tensor/index.ts'

export { Formula }

/** The value in another dtype; nothing is added where it has it already. */
export function cast(b: Builder, x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : b.op('Cast', [x], { to: DTYPES[dtype].onnx })
}

type Reduction = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin'

/** A reduction that drops its axes; over all of them, to a scalar, when none are given. */
export function reduce(b: Builder, op: Reduction, x: Value, axes?: readonly number[]): Value {
  return b.op(op, axes ? [x, b.ints(axes)] : [x], { keepdims: 0 })
}

/** `max(x, 0)` with TensorFlow's gradient for `maximum`: 1 at exactly 0, where Relu has 0. */
export function atLeastZero(b: Builder, x: Value): Value {
  return b.op('Max', [x, new Formula(b, x.dtype).value(0)])
}

/** `low ≤ x ≤ high`; the gradient passes at the bounds, as with TensorFlow's `clip_by_value`. */
export function clip(b: Builder, x: Value, low: number | null, high: number | null): Value {
  const m = new Formula(b, x.dtype)
  return b.op('Clip', [x, low === null ? null : m.value(low), high === null ? null : m.value(high)])
}
