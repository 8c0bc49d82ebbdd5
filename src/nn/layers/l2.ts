import type { Builder, Value } from '../../graph/index.ts'
import { Formula } from '../formula.ts'

/** `x / |x|₂` along axes, with Keras's guard: 1 / |x| is at most 1 / epsilon. */
export function unitLength(b: Builder, x: Value, axes: readonly number[], epsilon: number): Value {
  const m = new Formula(b, x.dtype)
  const inverse = b.op('Reciprocal', [m.sqrt(m.sum(m.square(x), axes))])
  return m.mul(x, b.op('Min', [inverse, m.value(1 / epsilon)]))
}
