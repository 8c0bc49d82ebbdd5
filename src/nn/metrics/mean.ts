import type { Builder, Value } from '../../graph/index.ts'
import { cast, Formula, reduce } from '../formula.ts'
import { alignWeight, sameRank } from '../losses/same-rank.ts'
import type { Row } from '../registry.ts'
import type { MetricDef, MetricState } from '../types.ts'

/** A metric as the table holds it. */
export interface MetricRow<C = object> extends MetricDef<C>, Pick<Row<C>, 'hidden'> {}

export const MEAN_STATE: readonly MetricState[] = [
  { name: 'total', shape: [] },
  { name: 'count', shape: [] },
]

/** A float32 quotient; 0 where the divisor is. */
export function divideNoNan(a: number, b: number): number {
  return b === 0 ? 0 : Math.fround(a / b)
}

export function meanResult([total, count]: readonly Float32Array[]): number {
  return divideNoNan(total?.[0] ?? 0, count?.[0] ?? 0)
}

/** Axes `from` and after. */
function axesFrom(x: Value, from: number): number[] {
  return x.shape.map((_, axis) => axis).slice(from)
}

function meanFrom(b: Builder, x: Value, from: number): Value {
  return x.shape.length > from ? reduce(b, 'ReduceMean', x, axesFrom(x, from)) : x
}

/** Rows of a batch as a float32 scalar. */
export function rowsOf(b: Builder, x: Value): Value {
  const rows = x.shape[0] ?? 1
  if (typeof rows === 'number') return b.scalar(rows)
  return b.op('Squeeze', [cast(b, b.op('Shape', [x], { start: 0, end: 1 }), 'float32'), b.ints([0])])
}

/**
 * What a batch of values adds to a mean: their sum and count, each sample's values (steps, pixels) averaged first, as
 * Keras does. With weights, Σ w·v and Σ w.
 */
export function addToMean(b: Builder, given: Value, weight: Value | null): readonly [total: Value, count: Value] {
  const values = cast(b, given, 'float32')
  if (weight === null) {
    return [values.shape.length > 0 ? reduce(b, 'ReduceSum', meanFrom(b, values, 1)) : values, rowsOf(b, values)]
  }
  const [x, w] = sameRank(b, values, cast(b, weight, 'float32'))
  const reduced = meanFrom(b, x, w.shape.length)
  const weighted = b.op('Mul', [reduced, alignWeight(b, reduced, w)])
  return [reduce(b, 'ReduceSum', meanFrom(b, weighted, 1)), reduce(b, 'ReduceSum', meanFrom(b, w, 1))]
}

/** A metric that is the mean of a function of targets and predictions. */
export function meanMetric<C extends object>(
  names: Pick<MetricRow<C>, 'className' | 'fn' | 'aliases' | 'defaults' | 'hidden'>,
  values: (b: Builder, yTrue: Value, yPred: Value, config: C) => Value,
  finish: (mean: number) => number = (mean) => mean,
): MetricRow<C> {
  return {
    ...names,
    state: () => MEAN_STATE,
    batch: (b, yTrue, yPred, weight, config) => addToMean(b, values(b, yTrue, yPred, config), weight),
    result: (state) => finish(meanResult(state)),
  }
}

/** Targets in the predictions' dtype, both in the same rank. */
export function comparable(b: Builder, yTrue: Value, yPred: Value): { m: Formula; target: Value; prediction: Value } {
  const [target, prediction] = sameRank(b, cast(b, yTrue, yPred.dtype), yPred)
  return { m: new Formula(b, yPred.dtype), target, prediction }
}
