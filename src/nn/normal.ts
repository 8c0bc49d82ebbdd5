import type { Builder, Value } from '../graph/index.ts'
import { Formula } from './formula.ts'
import type { RandomStream } from './types.ts'

/**
 * float32 numbers of mean 0 and deviation 1 by Box and Muller's formula, `√(-2 ln u) · cos(2π v)`: they follow from the
 * uniform stream alone, so that a stopped run goes on with the same ones.
 */
export function normalNumbers(b: Builder, random: RandomStream, shape: readonly number[]): Value {
  const m = new Formula(b, 'float32')
  // 1 - u lies in (0, 1], where the logarithm is finite.
  const radius = m.sqrt(m.mul(m.log(m.sub(1, random.uniform(b, shape))), -2))
  return m.mul(radius, b.op('Cos', [m.mul(random.uniform(b, shape), 2 * Math.PI)]))
}
