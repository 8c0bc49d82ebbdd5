import {
  binaryCrossentropy,
  categoricalCrossentropy,
  type SmoothedConfig,
  type SparseConfig,
  sparseCategoricalCrossentropy,
} from '../losses/cross-entropy.ts'
import { LOSSES } from '../losses/table.ts'
import { ACCURACY_METRICS } from './accuracy.ts'
import { auc } from './auc.ts'
import { COUNT_METRICS } from './counts.ts'
import { F_SCORES } from './f-score.ts'
import { comparable, meanMetric } from './mean.ts'

type None = Record<never, never>

/** The metric that is the mean of a loss. */
function meanLoss(loss: keyof typeof LOSSES) {
  const { className, fn, aliases, perSample } = LOSSES[loss] as (typeof LOSSES)['meanSquaredError']
  return meanMetric<None>({ className, fn, ...(aliases && { aliases }), defaults: {} }, (b, yTrue, yPred, config) => {
    const { target, prediction } = comparable(b, yTrue, yPred)
    return perSample(b, target, prediction, config)
  })
}

/** The metrics of Keras that Rekindle knows. */
export const METRICS = {
  ...ACCURACY_METRICS,
  ...COUNT_METRICS,
  auc,
  ...F_SCORES,
  meanSquaredError: meanLoss('meanSquaredError'),
  meanAbsoluteError: meanLoss('meanAbsoluteError'),
  hinge: meanLoss('hinge'),
  squaredHinge: meanLoss('squaredHinge'),
  categoricalHinge: meanLoss('categoricalHinge'),
  rootMeanSquaredError: meanMetric<None>(
    { className: 'RootMeanSquaredError', fn: 'root_mean_squared_error', defaults: {} },
    (b, yTrue, yPred) => {
      const { m, target, prediction } = comparable(b, yTrue, yPred)
      return m.square(m.sub(prediction, target))
    },
    (mean) => Math.fround(Math.sqrt(mean)),
  ),
  binaryCrossentropy: meanMetric<Omit<SmoothedConfig, 'axis'>>(
    {
      className: 'BinaryCrossentropy',
      fn: 'binary_crossentropy',
      aliases: ['bce', 'BCE'],
      defaults: { from_logits: false, label_smoothing: 0 },
    },
    (b, yTrue, yPred, config) => {
      const { target, prediction } = comparable(b, yTrue, yPred)
      return binaryCrossentropy(b, target, prediction, { ...config, axis: -1 })
    },
  ),
  categoricalCrossentropy: meanMetric<SmoothedConfig>(
    {
      className: 'CategoricalCrossentropy',
      fn: 'categorical_crossentropy',
      defaults: { from_logits: false, label_smoothing: 0, axis: -1 },
    },
    categoricalCrossentropy,
  ),
  sparseCategoricalCrossentropy: meanMetric<SparseConfig>(
    {
      className: 'SparseCategoricalCrossentropy',
      fn: 'sparse_categorical_crossentropy',
      defaults: { from_logits: false, ignore_class: null, axis: -1 },
    },
    sparseCategoricalCrossentropy,
  ),
  /** The mean of the predictions themselves. */
  mean: meanMetric<None>({ className: 'Mean', fn: 'mean', defaults: {} }, (_b, _yTrue, yPred) => yPred),
}
