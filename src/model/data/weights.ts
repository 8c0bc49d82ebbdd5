import { describeValue, RekindleError } from '../../errors.ts'
import { sizeOf, Tensor } from '../../tensor/index.ts'

/** Weight of each class by its number; a class that is not named weighs 1. */
export type ClassWeight = { readonly [label: number]: number } | ReadonlyMap<number, number>

/**
 * One weight per row from the weights of the classes, as Keras does it: one-hot targets count by their largest
 * value, others by their rounded number.
 *
 * @throws RekindleError `E_INVALID_ARGUMENT` for what is no class number, or no weight of one.
 */
export function classWeights(labels: Tensor, classWeight: ClassWeight): Tensor<'float32'> {
  const rows = labels.shape[0] ?? 0
  const width = rows === 0 ? 1 : labels.size / rows
  const values = labels.data as ArrayLike<number | bigint>
  const byClass =
    classWeight instanceof Map
      ? (classWeight as ReadonlyMap<number, number>)
      : new Map(Object.entries(classWeight).map(([label, weight]) => [Number(label), weight as number]))
  for (const [label, weight] of byClass) {
    if (Number.isInteger(label) && label >= 0 && Number.isFinite(weight) && weight >= 0) continue
    throw new RekindleError('E_INVALID_ARGUMENT', 'not a class and its weight', {
      where: 'classWeight',
      expected: 'whole numbers from 0 on, each with a number of at least 0: { 0: 1, 1: 2.5 }',
      received: `${Object.keys(classWeight).find((key) => Object.is(Number(key), label)) ?? label}: ${describeValue(weight)}`,
    })
  }
  const weights = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const label = width === 1 ? roundToEven(Number(values[row])) : argmax(values, row * width, width)
    weights[row] = byClass.get(label) ?? 1
  }
  return new Tensor('float32', [rows], weights)
}

/** numpy's rounding: halves go to the even neighbour. */
function roundToEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

function argmax(values: ArrayLike<number | bigint>, start: number, count: number): number {
  let best = 0
  for (let i = 1; i < count; i++) {
    if ((values[start + i] as number) > (values[start + best] as number)) best = i
  }
  return best
}

export interface Split {
  readonly train: readonly Tensor[]
  readonly validation: readonly Tensor[]
}

/**
 * Takes the last part of the rows for validation, before any shuffling: rows from floor(n · (1 - split)) on. Views.
 * @throws RekindleError `E_INVALID_ARGUMENT` when the split is not between 0 and 1 or leaves one side empty.
 */
export function splitValidation(arrays: readonly Tensor[], split: number): Split {
  if (!(split > 0 && split < 1)) {
    throw new RekindleError('E_INVALID_ARGUMENT', 'not a validation split', {
      where: 'validationSplit',
      expected: 'a number between 0 and 1',
      received: String(split),
    })
  }
  const rows = arrays[0]?.shape[0] ?? 0
  const boundary = Math.floor(rows * (1 - split))
  if (boundary === 0 || boundary === rows) {
    throw new RekindleError('E_INVALID_DATA', `${rows} rows cannot be split at ${split}`, {
      where: 'validationSplit',
      expected: 'at least one row on each side',
      received: `${boundary} for training and ${rows - boundary} for validation`,
    })
  }
  return {
    train: arrays.map((array) => array.rows(0, boundary)),
    validation: arrays.map((array) => array.rows(boundary, rows)),
  }
}

/**
 * Checks that weights fit their targets: one per row, or one per row and step.
 * @throws RekindleError `E_INVALID_SHAPE`, or `E_INVALID_DATA` for a weight that is not finite.
 */
export function checkSampleWeights(weights: Tensor, targets: Tensor, where = 'sampleWeight'): void {
  const leading = targets.shape.slice(0, Math.max(1, weights.shape.length))
  const fits = weights.shape.length >= 1 && weights.shape.every((dim, axis) => dim === leading[axis])
  if (!fits || sizeOf(weights.shape) === 0) {
    throw new RekindleError('E_INVALID_SHAPE', 'the weights do not fit the targets', {
      where,
      expected: `one per row: [${targets.shape[0]}]`,
      received: `[${weights.shape.join(', ')}]`,
    })
  }
  const values = weights.data as ArrayLike<number>
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(Number(values[i]))) continue
    throw new RekindleError('E_INVALID_DATA', 'a weight that is not a finite number', {
      where,
      received: `${values[i]} at position ${i}`,
    })
  }
}
