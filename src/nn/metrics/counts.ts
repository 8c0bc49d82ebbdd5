import { RekindleError } from '../../errors.ts'
import type { Builder, Value } from '../../graph/index.ts'
import { type Confusion, confusion } from './confusion.ts'
import { divideNoNan, type MetricRow } from './mean.ts'

/** One threshold or several, all from 0 to 1. */
type Thresholds = number | readonly number[] | null

/** What stands for "no threshold" beside `top_k`: everything among the k largest is over it. */
const LOWEST = -1e10

function parseThresholds(given: Thresholds, otherwise: number): readonly number[] {
  const list = given === null ? [otherwise] : typeof given === 'number' ? [given] : given
  if (given === null || list.every((t) => typeof t === 'number' && t >= 0 && t <= 1)) return list
  throw new RekindleError('E_INVALID_CONFIG', 'metric thresholds', {
    expected: 'numbers from 0 to 1',
    received: JSON.stringify(given),
  })
}

/** One number for one threshold, else a list. */
function single(values: readonly number[]): number | readonly number[] {
  return values.length === 1 ? (values[0] as number) : values
}

export interface CountConfig {
  readonly thresholds: Thresholds
}

type Cell = (b: Builder, counts: Confusion) => Value

function countMetric(className: string, fn: string, cell: Cell): MetricRow<CountConfig> {
  return {
    className,
    fn,
    defaults: { thresholds: null },
    state: (c) => [{ name: 'accumulator', shape: [parseThresholds(c.thresholds, 0.5).length] }],
    batch: (b, yTrue, yPred, weight, c) => [
      cell(b, confusion(b, yTrue, yPred, weight, { thresholds: parseThresholds(c.thresholds, 0.5) })),
    ],
    result: ([counts]) => single([...(counts as Float32Array)]),
  }
}

export const truePositives: Cell = (_, counts) => counts.truePositives
export const falsePositives: Cell = (_, counts) => counts.falsePositives
export const trueNegatives: Cell = (b, counts) => b.op('Sub', [counts.negatives, counts.falsePositives])
export const falseNegatives: Cell = (b, counts) => b.op('Sub', [counts.positives, counts.truePositives])

export interface RatioConfig extends CountConfig {
  readonly top_k: number | null
  readonly class_id: number | null
}

/** true positives / (true positives + misses), where the misses are what precision and recall differ in. */
function ratioMetric(className: string, fn: string, missName: string, misses: Cell): MetricRow<RatioConfig> {
  const thresholdsOf = (c: RatioConfig) => parseThresholds(c.thresholds, c.top_k === null ? 0.5 : LOWEST)
  return {
    className,
    fn,
    defaults: { thresholds: null, top_k: null, class_id: null },
    state(c) {
      const shape = [thresholdsOf(c).length]
      return ['true_positives', missName].map((name) => ({ name, shape }))
    },
    batch(b, yTrue, yPred, weight, c) {
      const options = { thresholds: thresholdsOf(c), topK: c.top_k, classId: c.class_id }
      const counts = confusion(b, yTrue, yPred, weight, options)
      return [counts.truePositives, misses(b, counts)]
    },
    result([hits, missed]) {
      return single(
        Array.from(hits as Float32Array, (hit, i) => divideNoNan(hit, Math.fround(hit + (missed?.[i] ?? 0)))),
      )
    },
  }
}

export const COUNT_METRICS = {
  truePositives: countMetric('TruePositives', 'true_positives', truePositives),
  falsePositives: countMetric('FalsePositives', 'false_positives', falsePositives),
  trueNegatives: countMetric('TrueNegatives', 'true_negatives', trueNegatives),
  falseNegatives: countMetric('FalseNegatives', 'false_negatives', falseNegatives),
  precision: ratioMetric('Precision', 'precision', 'false_positives', falsePositives),
  recall: ratioMetric('Recall', 'recall', 'false_negatives', falseNegatives),
}
