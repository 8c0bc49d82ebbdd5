import { RekindleError } from '../../errors.ts'
import type { Builder, Value } from '../../graph/index.ts'
import { formatShape, Tensor } from '../../tensor/index.ts'
import { cast, clip, Formula, reduce } from '../formula.ts'
import { alignWeight, sameRank } from '../losses/same-rank.ts'

/** Keras's `epsilon()`: thresholds beside 0 and 1 stand this far out. */
export const EPSILON = 1e-7
/** What is not among the k largest predictions counts as this. */
const MINUS_MUCH = -1e10

export interface ConfusionOptions {
  readonly thresholds: readonly number[]
  readonly topK?: number | null
  readonly classId?: number | null
  /** Each column of the predictions is counted by itself. */
  readonly multiLabel?: boolean
  /** A weight per column, where the columns are counted together. */
  readonly labelWeights?: readonly number[] | null
}

/** Weighted counts of a batch; `[thresholds]`, with `multiLabel` `[thresholds, labels]`; totals without thresholds. */
export interface Confusion {
  readonly truePositives: Value
  readonly falsePositives: Value
  readonly positives: Value
  readonly negatives: Value
}

/** Predictions over a threshold against targets that are not 0. */
export function confusion(
  b: Builder,
  yTrue: Value,
  yPred: Value,
  weight: Value | null,
  options: ConfusionOptions,
): Confusion {
  const { thresholds, topK = null, classId = null, multiLabel = false, labelWeights = null } = options
  let [prediction, target] = sameRank(b, cast(b, yPred, 'float32'), cast(b, yTrue, 'float32'))
  if (topK !== null) prediction = onlyLargest(b, prediction, topK)
  if (classId !== null) {
    prediction = column(b, prediction, classId)
    target = column(b, target, classId)
  }
  const m = new Formula(b, 'float32')
  let positive = cast(b, cast(b, target, 'bool'), 'float32')
  let negative = m.sub(1, positive)
  const columnWeights = labelWeights && !multiLabel ? vector(b, labelWeights) : null
  for (const factor of [weight && alignWeight(b, prediction, cast(b, weight, 'float32')), columnWeights]) {
    if (factor === null) continue
    positive = m.mul(positive, factor)
    negative = m.mul(negative, factor)
  }
  if (!multiLabel) [prediction, positive, negative] = [prediction, positive, negative].map((x) => flat(b, x)) as Triple
  const count = isEven(thresholds) ? countInBuckets : countByComparing
  const [truePositives, falsePositives] = count(b, prediction, positive, negative, thresholds)
  const drop = (x: Value): Value => (multiLabel ? x : b.op('Reshape', [x, b.ints([-1])]))
  return {
    truePositives: drop(truePositives),
    falsePositives: drop(falsePositives),
    positives: reduce(b, 'ReduceSum', positive, [0]),
    negatives: reduce(b, 'ReduceSum', negative, [0]),
  }
}

type Triple = [Value, Value, Value]
type Counts = readonly [truePositives: Value, falsePositives: Value]

/** Few thresholds: each prediction against each of them. Columns are [samples, labels], results [thresholds, labels]. */
function countByComparing(
  b: Builder,
  p: Value,
  positive: Value,
  negative: Value,
  thresholds: readonly number[],
): Counts {
  const levels = b.constant(new Tensor('float32', [thresholds.length, 1, 1], Float32Array.from(thresholds)))
  const above = cast(b, b.op('Greater', [p, levels]), 'float32')
  const count = (x: Value): Value => reduce(b, 'ReduceSum', b.op('Mul', [above, x]), [1])
  return [count(positive), count(negative)]
}

/**
 * Evenly spread thresholds: a histogram over the n buckets between them, then sums from the top, as Keras does it: a
 * prediction p is over threshold i when ⌈p·(n − 1)⌉ > i. A first threshold below 0 lies under every prediction.
 */
function countInBuckets(b: Builder, p: Value, positive: Value, negative: Value, thresholds: readonly number[]): Counts {
  const n = thresholds.length
  const lowest = (thresholds[0] as number) < 0 || (thresholds[n - 1] as number) > 1 ? 1 : 0
  const raised = b.op('Ceil', [b.op('Mul', [clip(b, p, 0, 1), b.scalar(n - 1)])])
  // Clipping the integers keeps NaN, which casts to a huge one, inside the histogram.
  const index = (x: number): Value => b.scalar(BigInt(x), 'int64')
  const bucket = b.op('Max', [b.op('Min', [cast(b, raised, 'int64'), index(n - 1)]), index(lowest)])
  const labels = p.shape[1] as number
  const empty = b.full([n, 2 * labels], 0)
  const indices = b.op('Concat', [bucket, bucket], { axis: 1 })
  const updates = b.op('Concat', [positive, negative], { axis: 1 })
  const histogram = b.op('ScatterElements', [empty, indices, updates], { axis: 0, reduction: 'add' })
  const above = b.op('CumSum', [histogram, b.scalar(0n, 'int64')], { exclusive: 1, reverse: 1 })
  return b.ops('Split', [above], { axis: 1, num_outputs: 2 }, 2) as unknown as Counts
}

/** Keras's `is_evenly_distributed_thresholds`: within 1e-7 + 1e-5·t of i / (n − 1). */
export function isEven(thresholds: readonly number[]): boolean {
  if (thresholds.length < 3) return false
  return thresholds.every((t, i) => {
    const even = i / (thresholds.length - 1)
    // AUC's outermost thresholds stand an epsilon outside.
    return Math.abs(Math.min(1, Math.max(0, t)) - even) <= EPSILON + 1e-5 * even
  })
}

function onlyLargest(b: Builder, x: Value, k: number): Value {
  const m = new Formula(b, x.dtype)
  const [, places] = b.ops('TopK', [x, b.ints([k])], { axis: -1 }, 2) as readonly [Value, Value]
  const ones = b.op('Cast', [b.op('OneHot', [places, b.ints([lastSize(x)]), b.ints([0, 1])], { axis: -1 })], { to: 1 })
  const kept = reduce(b, 'ReduceSum', ones, [-2])
  return m.add(m.mul(x, kept), m.mul(m.sub(1, kept), MINUS_MUCH))
}

function column(b: Builder, x: Value, index: number): Value {
  if (x.shape.length < 2 || index >= lastSize(x) || index < 0) {
    throw new RekindleError('E_INVALID_SHAPE', `no class ${index}`, { received: formatShape(x.shape) })
  }
  return b.op('Gather', [x, b.ints([index])], { axis: -1 })
}

function lastSize(x: Value): number {
  const size = x.shape.at(-1)
  if (typeof size === 'number') return size
  throw new RekindleError('E_INVALID_SHAPE', 'a metric needs a known number of classes', {
    received: formatShape(x.shape),
  })
}

function flat(b: Builder, x: Value): Value {
  return b.op('Reshape', [x, b.ints([-1, 1])])
}

function vector(b: Builder, values: readonly number[]): Value {
  return b.constant(new Tensor('float32', [values.length], Float32Array.from(values)))
}
