import type { Builder, Value } from '../../graph/index.ts'
import { isInteger } from '../../tensor/index.ts'
import { cast } from '../formula.ts'
import { dropColumn, sameRank } from '../losses/same-rank.ts'
import { comparable, meanMetric } from './mean.ts'

type None = Record<never, never>

/** 1 where two tensors agree, else 0. */
function agreement(b: Builder, x: Value, y: Value): Value {
  return cast(b, b.op('Equal', [x, y]), 'float32')
}

/** The first of the largest along the last axis. */
function argMax(b: Builder, x: Value): Value {
  return b.op('ArgMax', [x], { axis: -1, keepdims: 0 })
}

function sparseAgreement(b: Builder, yTrue: Value, yPred: Value): Value {
  const column = yTrue.shape.length === yPred.shape.length && yTrue.shape.at(-1) === 1
  const target = column ? dropColumn(b, yTrue) : yTrue
  const predicted = argMax(b, yPred)
  if (isInteger(target.dtype)) return agreement(b, cast(b, target, 'int64'), predicted)
  return agreement(b, cast(b, target, 'float32'), cast(b, predicted, 'float32'))
}

export const ACCURACY_METRICS = {
  accuracy: meanMetric<None>({ className: 'Accuracy', fn: 'accuracy', defaults: {} }, (b, yTrue, yPred) => {
    const { target, prediction } = comparable(b, yTrue, yPred)
    return agreement(b, target, prediction)
  }),
  binaryAccuracy: meanMetric<{ readonly threshold: number }>(
    { className: 'BinaryAccuracy', fn: 'binary_accuracy', defaults: { threshold: 0.5 } },
    (b, yTrue, yPred, { threshold }) => {
      const [target, prediction] = sameRank(b, cast(b, yTrue, 'float32'), yPred)
      const positive = b.op('Greater', [prediction, b.scalar(threshold, prediction.dtype)])
      return agreement(b, target, cast(b, positive, 'float32'))
    },
  ),
  categoricalAccuracy: meanMetric<None>(
    { className: 'CategoricalAccuracy', fn: 'categorical_accuracy', defaults: {} },
    (b, yTrue, yPred) => agreement(b, argMax(b, cast(b, yTrue, 'float32')), argMax(b, yPred)),
  ),
  sparseCategoricalAccuracy: meanMetric<None>(
    { className: 'SparseCategoricalAccuracy', fn: 'sparse_categorical_accuracy', defaults: {} },
    sparseAgreement,
  ),
}
