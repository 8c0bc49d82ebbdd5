import type { Builder, Value } from '../../graph/index.ts'
import { atLeastZero, cast, Formula, reduce } from '../formula.ts'
import type { Row } from '../registry.ts'
import type { LossDef } from '../types.ts'
import {
  binaryCrossentropy,
  categoricalCrossentropy,
  countedClasses,
  type SmoothedConfig,
  type SparseConfig,
  sparseCategoricalCrossentropy,
} from './cross-entropy.ts'

/** A loss as the table holds it. */
export interface LossRow<C = object> extends LossDef<C>, Pick<Row<C>, 'hidden'> {
  /** Which of the samples (and steps) count, true for yes: a loss may leave some out. */
  readonly mask?: (b: Builder, yTrue: Value, yPred: Value, config: C) => Value | null
}

type None = Record<never, never>

const row = <C>(def: LossRow<C>): LossRow<C> => def

/** A loss without options that is a mean over the last axis. */
function meanOf(
  className: string,
  fn: string,
  aliases: readonly string[],
  each: (m: Formula, t: Value, p: Value) => Value,
) {
  return row<None>({
    className,
    fn,
    aliases: [fn, ...aliases],
    defaults: {},
    perSample(b, yTrue, yPred) {
      const m = new Formula(b, yPred.dtype)
      return reduce(b, 'ReduceMean', each(m, cast(b, yTrue, yPred.dtype), yPred), [-1])
    },
  })
}

/** `max(1 − y·ŷ, 0)`; targets 0 and 1, when there are no others in the batch, are taken as −1 and 1. */
function margin(m: Formula, target: Value, yPred: Value): Value {
  const binary = m.b.op('Or', [m.equal(target, 0), m.equal(target, 1)])
  const allBinary = m.greater(m.b.op('ReduceMin', [m.mask(binary)], { keepdims: 0 }), 0)
  const signs = m.where(allBinary, m.sub(m.mul(target, 2), 1), target)
  return atLeastZero(m.b, m.sub(1, m.mul(signs, yPred)))
}

/** The losses of Keras that Rekindle knows. */
export const LOSSES = {
  binaryCrossentropy: row<SmoothedConfig>({
    className: 'BinaryCrossentropy',
    fn: 'binary_crossentropy',
    aliases: ['bce', 'BCE'],
    defaults: { from_logits: false, label_smoothing: 0, axis: -1 },
    perSample: binaryCrossentropy,
  }),
  categoricalCrossentropy: row<SmoothedConfig>({
    className: 'CategoricalCrossentropy',
    fn: 'categorical_crossentropy',
    defaults: { from_logits: false, label_smoothing: 0, axis: -1 },
    perSample: categoricalCrossentropy,
  }),
  sparseCategoricalCrossentropy: row<SparseConfig>({
    className: 'SparseCategoricalCrossentropy',
    fn: 'sparse_categorical_crossentropy',
    defaults: { from_logits: false, ignore_class: null, axis: -1 },
    hidden: ['axis'],
    sparseTargets: true,
    perSample: sparseCategoricalCrossentropy,
    mask: countedClasses,
  }),
  meanSquaredError: meanOf('MeanSquaredError', 'mean_squared_error', ['mse', 'MSE'], (m, target, yPred) =>
    m.square(m.sub(target, yPred)),
  ),
  meanAbsoluteError: meanOf('MeanAbsoluteError', 'mean_absolute_error', ['mae', 'MAE'], (m, target, yPred) =>
    m.abs(m.sub(target, yPred)),
  ),
  hinge: meanOf('Hinge', 'hinge', [], margin),
  squaredHinge: meanOf('SquaredHinge', 'squared_hinge', [], (m, target, yPred) => m.square(margin(m, target, yPred))),
  /** `max(max((1 − y)·ŷ) − Σ y·ŷ + 1, 0)`. */
  categoricalHinge: row<None>({
    className: 'CategoricalHinge',
    fn: 'categorical_hinge',
    defaults: {},
    perSample(b, yTrue, yPred) {
      const m = new Formula(b, yPred.dtype)
      const target = cast(b, yTrue, yPred.dtype)
      const right = reduce(b, 'ReduceSum', m.mul(target, yPred), [-1])
      const wrong = reduce(b, 'ReduceMax', m.mul(m.sub(1, target), yPred), [-1])
      return atLeastZero(b, m.add(m.sub(wrong, right), 1))
    },
  }),
}
