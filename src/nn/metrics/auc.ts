import { RekindleError } from '../../errors.ts'
import { confusion, EPSILON } from './confusion.ts'
import { falseNegatives, falsePositives, trueNegatives, truePositives } from './counts.ts'
import type { MetricRow } from './mean.ts'

export interface AucConfig {
  readonly num_thresholds: number
  readonly curve: 'ROC' | 'PR' | 'PRGAIN'
  readonly summation_method: 'interpolation' | 'minoring' | 'majoring'
  readonly multi_label: boolean
  readonly num_labels: number | null
  readonly label_weights: readonly number[] | null
  readonly from_logits: boolean
  /** Inner thresholds, instead of `num_thresholds` evenly spread ones. */
  readonly thresholds: readonly number[] | null
}

/** Inner thresholds between one just below 0 and one just above 1. */
function thresholdsOf({ thresholds, num_thresholds: count }: AucConfig): readonly number[] {
  if (thresholds === null && !(Number.isInteger(count) && count > 1)) {
    throw new RekindleError('E_INVALID_CONFIG', 'AUC num_thresholds', {
      expected: 'a whole number over 1',
      received: JSON.stringify(count),
    })
  }
  const inner = thresholds
    ? [...thresholds].sort((x, y) => x - y)
    : Array.from({ length: count - 2 }, (_, i) => (i + 1) / (count - 1))
  return [-EPSILON, ...inner, 1 + EPSILON]
}

/** The four counts of one column of the curve, by threshold. */
interface Counts {
  readonly tp: readonly number[]
  readonly fp: readonly number[]
  readonly tn: readonly number[]
  readonly fn: readonly number[]
}

const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b)
const pairs = (values: readonly number[]) => values.slice(1).map((low, i) => [values[i] as number, low] as const)

type Points = readonly { readonly x: number; readonly y: number }[]

/** The curve's points by threshold, x falling. */
const CURVES: { readonly [curve: string]: (c: Counts) => Points } = {
  ROC: ({ tp, fp, tn, fn }) =>
    tp.map((hits, i) => ({ x: ratio(fp[i] ?? 0, (fp[i] ?? 0) + (tn[i] ?? 0)), y: ratio(hits, hits + (fn[i] ?? 0)) })),
  PR: ({ tp, fp, fn }) =>
    tp.map((hits, i) => ({ x: ratio(hits, hits + (fn[i] ?? 0)), y: ratio(hits, hits + (fp[i] ?? 0)) })),
  PRGAIN: ({ tp, fp, tn, fn }) =>
    tp.map((hits, i) => {
      const scale = ratio(hits + (fn[i] ?? 0), (tn[i] ?? 0) + (fp[i] ?? 0))
      if (hits === 0) return { x: 0, y: 1 }
      return { x: Math.max(0, 1 - (scale * (fn[i] ?? 0)) / hits), y: 1 - (scale * (fp[i] ?? 0)) / hits }
    }),
}

const HEIGHTS: { readonly [method: string]: (a: number, b: number) => number } = {
  interpolation: (a, b) => (a + b) / 2,
  minoring: Math.min,
  majoring: Math.max,
}

function area(points: Points, height: (a: number, b: number) => number): number {
  const widths = pairs(points.map(({ x }) => x)).map(([left, right]) => left - right)
  return pairs(points.map(({ y }) => y)).reduce((sum, [a, b], i) => sum + (widths[i] ?? 0) * height(a, b), 0)
}

/**
 * The area under the precision-recall curve with true positives, not precision, interpolated between thresholds
 * (Davis & Goadrich, "The relationship between precision-recall and ROC curves", 2006).
 */
function interpolatedPrecisionRecall({ tp, fp, fn }: Counts): number {
  const predicted = tp.map((hits, i) => hits + (fp[i] ?? 0))
  return pairs(tp).reduce((sum, [hits, fewer], i) => {
    const [p, less] = [predicted[i] ?? 0, predicted[i + 1] ?? 0]
    const slope = ratio(hits - fewer, Math.max(p - less, 0))
    const intercept = fewer - slope * less
    const logarithm = p > 0 && less > 0 ? Math.log(p / less) : 0
    return sum + ratio(slope * (hits - fewer + intercept * logarithm), Math.max(fewer + (fn[i + 1] ?? 0), 0))
  }, 0)
}

function choose<T>(table: { readonly [key: string]: T }, key: string, option: string): T {
  const found = Object.hasOwn(table, key) ? table[key] : undefined
  if (found !== undefined) return found
  throw new RekindleError('E_INVALID_CONFIG', `AUC ${option}`, {
    expected: Object.keys(table).join(', '),
    received: JSON.stringify(key),
  })
}

/** Area under the ROC or precision-recall curve, summed over thresholds. */
export const auc: MetricRow<AucConfig> = {
  className: 'AUC',
  fn: 'auc',
  defaults: {
    num_thresholds: 200,
    curve: 'ROC',
    summation_method: 'interpolation',
    multi_label: false,
    num_labels: null,
    label_weights: null,
    from_logits: false,
    thresholds: null,
  },
  hidden: ['thresholds'],
  state(c, yPred) {
    const labels = c.num_labels ?? yPred.shape[1]
    const count = thresholdsOf(c).length
    if (c.multi_label && (yPred.shape.length !== 2 || typeof labels !== 'number')) {
      throw new RekindleError('E_INVALID_SHAPE', 'AUC with multi_label', { expected: 'predictions [batch, labels]' })
    }
    const shape = c.multi_label ? [count, labels as number] : [count]
    return ['true_positives', 'false_positives', 'true_negatives', 'false_negatives'].map((name) => ({ name, shape }))
  },
  batch(b, yTrue, yPred, weight, c) {
    const probabilities = c.from_logits ? b.op('Sigmoid', [yPred]) : yPred
    const counts = confusion(b, yTrue, probabilities, weight, {
      thresholds: thresholdsOf(c),
      multiLabel: c.multi_label,
      labelWeights: c.label_weights,
    })
    return [truePositives, falsePositives, trueNegatives, falseNegatives].map((cell) => cell(b, counts))
  },
  result(state, c) {
    const curve = choose(CURVES, c.curve.toUpperCase(), 'curve')
    const method = c.summation_method.toLowerCase()
    const height = choose(HEIGHTS, method, 'summation_method')
    const labels = (state[0]?.length ?? 0) / thresholdsOf(c).length
    const areas = Array.from({ length: labels }, (_, label) => {
      const [tp, fp, tn, fn] = state.map((counts) => [...counts].filter((_, i) => i % labels === label))
      const column = { tp, fp, tn, fn } as Counts
      return c.curve.toUpperCase() === 'PR' && method === 'interpolation'
        ? interpolatedPrecisionRecall(column)
        : area(curve(column), height)
    })
    const weights = (c.multi_label && c.label_weights) || areas.map(() => 1)
    const total = areas.reduce((sum, one, i) => sum + one * (weights[i] ?? 0), 0)
    return Math.fround(
      ratio(
        total,
        weights.reduce((sum, w) => sum + w, 0),
      ),
    )
  },
}
