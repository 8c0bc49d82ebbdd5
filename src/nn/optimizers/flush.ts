import type { Value } from '../../graph/index.ts'
import type { Formula } from '../formula.ts'

/** The smallest float32 with all its digits. */
const LEAST_NORMAL = 2 ** -126

/**
 * What a slot that decays keeps: 0 for numbers below float32's normal range, as in JAX. Processors are slow at them,
 * and without new gradients (a dead unit) rounding would keep the slot among them for ever.
 */
export function flush(f: Formula, x: Value): Value {
  return f.where(f.less(f.abs(x), LEAST_NORMAL), 0, x)
}
