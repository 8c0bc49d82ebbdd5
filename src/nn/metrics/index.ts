import type { Dim } from '../../graph/index.ts'
import { resolveByShapes } from '../by-shapes.ts'
import { createRegistry, factory } from '../registry.ts'
import type { Identifier, JsonObject } from '../types.ts'
import type { MetricRow } from './mean.ts'
import { METRICS } from './table.ts'

export type { MetricRow } from './mean.ts'

/** Keys of every metric's config, with their defaults (a name of null is the function's). */
const COMMON = { name: null as string | null, dtype: 'float32' }

export const metricRegistry = createRegistry<MetricRow<JsonObject>>(
  { kind: 'metric', module: 'keras.metrics', common: COMMON, ignored: ['fn'], wrapper: 'MeanMetricWrapper' },
  Object.values(METRICS),
)

export interface ResolvedMetric {
  readonly def: MetricRow<JsonObject>
  readonly config: JsonObject
  /** What History calls it: the string that was given, or the object's name. */
  readonly name: string
}

/** Strings whose meaning follows from shapes alone, never from the loss. */
const BY_SHAPES: {
  readonly [name: string]: { readonly binary: string; readonly sparse: string; readonly categorical: string }
} = {
  accuracy: {
    binary: 'binary_accuracy',
    sparse: 'sparse_categorical_accuracy',
    categorical: 'categorical_accuracy',
  },
  crossentropy: {
    binary: 'binary_crossentropy',
    sparse: 'sparse_categorical_crossentropy',
    categorical: 'categorical_crossentropy',
  },
}
const SHORT: { readonly [name: string]: string } = { acc: 'accuracy', ce: 'crossentropy' }

/**
 * The metric that a config names.
 *
 * @param yTrueShape shapes of targets and predictions with their batch axis: `accuracy` and `crossentropy` (in any
 * case, and `acc`, `ce`) follow from them.
 * @throws RekindleError `E_UNSUPPORTED_OPTION` for an unknown name, `E_INVALID_CONFIG` for a bad config.
 */
export function resolveMetric(
  identifier: Exclude<Identifier, null>,
  yTrueShape: readonly Dim[],
  yPredShape: readonly Dim[],
): ResolvedMetric {
  if (typeof identifier === 'string') {
    const lower = identifier.toLowerCase()
    const family = BY_SHAPES[SHORT[lower] ?? lower]
    const found = family ? family[resolveByShapes(yTrueShape, yPredShape)] : identifier
    const { def, config } = metricRegistry.resolve(found)
    return { def, config, name: identifier }
  }
  const { def, config, common } = metricRegistry.resolve(identifier)
  return { def, config, name: String(common.name ?? def.fn) }
}

/** `metrics.auc({ curve: 'PR' })`. */
export const metrics = {
  accuracy: factory(METRICS.accuracy, COMMON),
  binaryAccuracy: factory(METRICS.binaryAccuracy, COMMON),
  categoricalAccuracy: factory(METRICS.categoricalAccuracy, COMMON),
  sparseCategoricalAccuracy: factory(METRICS.sparseCategoricalAccuracy, COMMON),
  truePositives: factory(METRICS.truePositives, COMMON),
  falsePositives: factory(METRICS.falsePositives, COMMON),
  trueNegatives: factory(METRICS.trueNegatives, COMMON),
  falseNegatives: factory(METRICS.falseNegatives, COMMON),
  precision: factory(METRICS.precision, COMMON),
  recall: factory(METRICS.recall, COMMON),
  auc: factory(METRICS.auc, COMMON),
  f1Score: factory(METRICS.f1Score, COMMON),
  fBetaScore: factory(METRICS.fBetaScore, COMMON),
  meanSquaredError: factory(METRICS.meanSquaredError, COMMON),
  meanAbsoluteError: factory(METRICS.meanAbsoluteError, COMMON),
  rootMeanSquaredError: factory(METRICS.rootMeanSquaredError, COMMON),
  hinge: factory(METRICS.hinge, COMMON),
  squaredHinge: factory(METRICS.squaredHinge, COMMON),
  categoricalHinge: factory(METRICS.categoricalHinge, COMMON),
  binaryCrossentropy: factory(METRICS.binaryCrossentropy, COMMON),
  categoricalCrossentropy: factory(METRICS.categoricalCrossentropy, COMMON),
  sparseCategoricalCrossentropy: factory(METRICS.sparseCategoricalCrossentropy, COMMON),
  mean: factory(METRICS.mean, COMMON),
}
