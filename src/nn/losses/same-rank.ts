import { RekindleError } from '../../errors.ts'
import type { Builder, Dim, Value } from '../../graph/index.ts'
import { formatShape } from '../../tensor/index.ts'

/**
 * Two tensors whose ranks differ by a last axis of size 1 get the same rank, as Keras does before it compares targets,
 * predictions and weights: a vector is stretched to a column, of others the column is dropped.
 */
export function sameRank(b: Builder, x: Value, y: Value, expandVectors = true): readonly [Value, Value] {
  if (hasExtraColumn(x, y)) {
    return y.shape.length === 1 && expandVectors ? [x, addColumn(b, y)] : [dropColumn(b, x), y]
  }
  if (hasExtraColumn(y, x)) {
    return x.shape.length === 1 && expandVectors ? [addColumn(b, x), y] : [x, dropColumn(b, y)]
  }
  return [x, y]
}

function hasExtraColumn(x: Value, y: Value): boolean {
  return x.shape.length === y.shape.length + 1 && x.shape.at(-1) === 1
}

export function addColumn(b: Builder, x: Value): Value {
  return b.op('Unsqueeze', [x, b.ints([-1])])
}

export function dropColumn(b: Builder, x: Value): Value {
  return b.op('Squeeze', [x, b.ints([-1])])
}

/**
 * Weights in the rank of the values that they weigh: a weight per sample counts for all the sample's values.
 *
 * @throws RekindleError `E_INVALID_SHAPE` when they do not fit.
 */
export function alignWeight(b: Builder, values: Value, weight: Value): Value {
  let aligned = weight
  while (aligned.shape.length > values.shape.length && aligned.shape.at(-1) === 1) aligned = dropColumn(b, aligned)
  while (aligned.shape.length < values.shape.length) aligned = addColumn(b, aligned)
  if (aligned.shape.length === values.shape.length && aligned.shape.every((dim, i) => fits(dim, values.shape[i]))) {
    return aligned
  }
  throw new RekindleError('E_INVALID_SHAPE', 'sample weights do not fit', {
    expected: formatShape(values.shape),
    received: formatShape(weight.shape),
  })
}

function fits(dim: Dim, other: Dim | undefined): boolean {
  return dim === 1 || dim === other || typeof dim === 'string' || typeof other === 'string'
}
