import { RekindleError } from '../../errors.ts'
import type { Builder, Value } from '../../graph/index.ts'
import { cast, Formula, reduce } from '../formula.ts'
import { alignWeight } from './same-rank.ts'

/** Keras's reductions. `mean` is another name of `sum_over_batch_size`; `mean_with_sample_weight` divides by the weights. */
export const REDUCTIONS = ['sum_over_batch_size', 'mean', 'sum', 'mean_with_sample_weight', 'none'] as const
export type ReductionName = (typeof REDUCTIONS)[number]

/** A reduction from a config; null is `none`, Keras 2's `auto` is `sum_over_batch_size`. */
export function parseReduction(name: unknown): ReductionName {
  if (name === null) return 'none'
  if (name === undefined || name === 'auto') return 'sum_over_batch_size'
  const found = REDUCTIONS.find((known) => known === name)
  if (found) return found
  throw new RekindleError('E_INVALID_CONFIG', 'loss reduction', {
    expected: REDUCTIONS.join(', '),
    received: JSON.stringify(name),
  })
}

/** Less than the share of any mask that is not empty. */
const TINY = 1e-30

/**
 * One number from the losses of all samples (and steps); with `none` the weighted losses themselves.
 *
 * `sum_over_batch_size` divides by the count of losses, not by the sum of the weights, and with a mask by the count of
 * those that are not masked. An empty mask gives 0.
 *
 * @param weight per sample (and step), or null for ones.
 * @param mask true where a loss counts, or null.
 */
export function reduceLoss(
  b: Builder,
  losses: Value,
  weight: Value | null,
  mask: Value | null,
  reduction: ReductionName,
): Value {
  const m = new Formula(b, losses.dtype)
  const scale = combine(
    b,
    losses,
    weight && cast(b, weight, losses.dtype),
    mask && maskWeight(b, losses, mask, reduction),
  )
  const weighted = scale ? m.mul(losses, scale) : losses
  if (reduction === 'none' || weighted.shape.length === 0) return weighted
  if (reduction === 'sum') return reduce(b, 'ReduceSum', weighted)
  if (reduction !== 'mean_with_sample_weight' || !scale) return reduce(b, 'ReduceMean', weighted)
  const total = reduce(b, 'ReduceSum', scale)
  const empty = m.equal(total, 0)
  return m.where(empty, 0, m.div(reduce(b, 'ReduceSum', weighted), m.where(empty, 1, total)))
}

/** A mask as weights; where the reduction is a mean, they are scaled so that the mean is over what is not masked. */
function maskWeight(b: Builder, losses: Value, mask: Value, reduction: ReductionName): Value {
  const m = new Formula(b, losses.dtype)
  const kept = cast(b, mask, losses.dtype)
  if (reduction !== 'sum_over_batch_size' && reduction !== 'mean') return kept
  return m.div(kept, b.op('Max', [reduce(b, 'ReduceMean', kept), m.value(TINY)]))
}

function combine(b: Builder, losses: Value, weight: Value | null, mask: Value | null): Value | null {
  const [first, second] = [weight, mask].filter((x) => x !== null).map((x) => alignWeight(b, losses, x))
  return first && second ? b.op('Mul', [first, second]) : (first ?? null)
}
