import { RekindleError } from '../../errors.ts'
import type { Type } from '../../graph/index.ts'
import { formatShape } from '../../tensor/index.ts'
import { cast, Formula, reduce } from '../formula.ts'
import { addColumn } from '../losses/same-rank.ts'
import type { MetricState } from '../types.ts'
import { EPSILON } from './confusion.ts'
import type { MetricRow } from './mean.ts'

export interface FScoreConfig {
  readonly average: 'micro' | 'macro' | 'weighted' | null
  readonly threshold: number | null
}

export interface FBetaConfig extends FScoreConfig {
  readonly beta: number
}

const AVERAGES: readonly FScoreConfig['average'][] = [null, 'micro', 'macro', 'weighted']

function states({ average }: FScoreConfig, yPred: Type): MetricState[] {
  const classes = yPred.shape[1]
  if (!AVERAGES.includes(average)) {
    throw new RekindleError('E_INVALID_CONFIG', 'F-score average', {
      expected: 'null, micro, macro or weighted',
      received: JSON.stringify(average),
    })
  }
  if (yPred.shape.length !== 2 || typeof classes !== 'number') {
    throw new RekindleError('E_INVALID_SHAPE', 'F-score', {
      expected: 'predictions [batch, classes]',
      received: formatShape(yPred.shape),
    })
  }
  const shape = average === 'micro' ? [] : [classes]
  const names = ['true_positives', 'false_positives', 'false_negatives', 'intermediate_weights']
  return names.map((name) => ({ name, shape }))
}

/** (1 + β²)·P·R / (β²·P + R) per class, then averaged. Without a threshold the largest prediction is the chosen class. */
function score(state: readonly Float32Array[], { average, beta }: FBetaConfig): number | readonly number[] {
  const [tp, fp, fn, support] = state as readonly [Float32Array, Float32Array, Float32Array, Float32Array]
  const scores = Array.from(tp, (hits, i) => {
    const precision = hits / (hits + (fp[i] ?? 0) + EPSILON)
    const recall = hits / (hits + (fn[i] ?? 0) + EPSILON)
    return Math.fround(((1 + beta ** 2) * (precision * recall)) / (beta ** 2 * precision + recall + EPSILON))
  })
  if (average === null) return scores
  const all = support.reduce((sum, x) => sum + x, 0) + EPSILON
  const share = (i: number): number => (average === 'weighted' ? (support[i] ?? 0) / all : 1 / scores.length)
  return Math.fround(scores.reduce((sum, x, i) => sum + x * share(i), 0))
}

const NEARLY_ZERO = 1e-9

const batch: MetricRow<FScoreConfig>['batch'] = (b, yTrue, yPred, weight, { average, threshold }) => {
  const m = new Formula(b, 'float32')
  const target = cast(b, yTrue, 'float32')
  const prediction = cast(b, yPred, 'float32')
  let chosen = threshold === null ? null : m.greater(prediction, threshold)
  if (chosen === null) {
    const largest = b.op('ReduceMax', [prediction, b.ints([-1])])
    const isLargest = b.op('GreaterOrEqual', [prediction, largest])
    chosen = b.op('And', [isLargest, m.greater(m.abs(prediction), NEARLY_ZERO)])
  }
  const picked = m.mask(chosen)
  const column = weight && addColumn(b, cast(b, weight, 'float32'))
  const counts = [m.mul(picked, target), m.mul(picked, m.sub(1, target)), m.mul(m.sub(1, picked), target), target]
  return counts.map((count) => {
    const weighted = column ? m.mul(count, column) : count
    return average === 'micro' ? reduce(b, 'ReduceSum', weighted) : reduce(b, 'ReduceSum', weighted, [0])
  })
}

export const F_SCORES = {
  fBetaScore: {
    className: 'FBetaScore',
    fn: 'fbeta_score',
    aliases: ['fbeta_score'],
    defaults: { average: null, beta: 1, threshold: null },
    state: states,
    batch,
    result: score,
  } satisfies MetricRow<FBetaConfig> as MetricRow<FBetaConfig>,
  f1Score: {
    className: 'F1Score',
    fn: 'f1_score',
    defaults: { average: null, threshold: null },
    state: states,
    batch,
    result: (state, config) => score(state, { ...config, beta: 1 }),
  } satisfies MetricRow<FScoreConfig> as MetricRow<FScoreConfig>,
}
