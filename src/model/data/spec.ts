import { RekindleError } from '../../errors.ts'
import { castTensor, DTYPES, type DType, formatShape, type Tensor } from '../../tensor/index.ts'

/** What a model expects of one array: null dimensions are free, the first is the batch. A null field takes anything. */
export interface TensorSpec {
  readonly name: string
  readonly dtype: DType | null
  readonly shape: readonly (number | null)[] | null
}

/**
 * The tensor in the shape and dtype of the spec. As in Keras, a last dimension of 1 may be missing or be one too many;
 * numbers are converted where nothing is lost (floats to floats, whole numbers to anything numeric).
 *
 * @throws RekindleError `E_INVALID_SHAPE`, `E_INVALID_DTYPE` or `E_INVALID_DATA`, with what was expected and received.
 */
export function fitTensor(tensor: Tensor, spec: TensorSpec, where: string): Tensor {
  return fitDtype(fitShape(tensor, spec, where), spec, where)
}

function fitShape(tensor: Tensor, { shape, name }: TensorSpec, where: string): Tensor {
  if (tensor.shape.length === 0) {
    throw new RekindleError('E_INVALID_SHAPE', 'a single value has no rows', {
      where,
      expected: shape === null ? 'an array with one row per sample' : formatShape(shape),
      received: formatShape(tensor.shape),
    })
  }
  if (shape === null || accepts(shape, tensor.shape)) return tensor
  const reshaped = withLastDimension(tensor.shape, shape)
  if (reshaped !== null && accepts(shape, reshaped)) return tensor.reshape(reshaped)
  const hint = reshapeHint(tensor.shape, shape)
  throw new RekindleError('E_INVALID_SHAPE', `the shape does not fit '${name}'`, {
    where,
    expected: formatShape(shape),
    received: formatShape(tensor.shape),
    ...(hint === null ? {} : { hint }),
  })
}

function accepts(expected: readonly (number | null)[], actual: readonly number[]): boolean {
  return expected.length === actual.length && expected.every((dim, axis) => dim === null || dim === actual[axis])
}

/** Keras's rank adjustment: append a 1 where the spec ends in one, drop it where the spec has one dimension fewer. */
function withLastDimension(actual: readonly number[], expected: readonly (number | null)[]): number[] | null {
  if (actual.length === expected.length - 1 && expected.at(-1) === 1) return [...actual, 1]
  if (actual.length === expected.length + 1 && actual.at(-1) === 1) return actual.slice(0, -1)
  return null
}

function reshapeHint(actual: readonly number[], expected: readonly (number | null)[]): string | null {
  const row = expected.slice(1)
  if (row.includes(null)) return null
  const wanted = row.reduce<number>((size, dim) => size * (dim as number), 1)
  const total = actual.reduce((size, dim) => size * dim, 1)
  const perRow = actual.slice(1).reduce((size, dim) => size * dim, 1)
  if (perRow === wanted) return `as many values per row: reshape it to ${formatShape(expected)}`
  if (total === wanted && wanted > 1)
    return `one row without its batch dimension: reshape it to ${formatShape([1, ...row])}`
  return null
}

function fitDtype(tensor: Tensor, { dtype, name }: TensorSpec, where: string): Tensor {
  if (dtype === null || tensor.dtype === dtype) return tensor
  const from = DTYPES[tensor.dtype]
  const to = DTYPES[dtype]
  if (from.kind === 'string' || to.kind === 'string' || from.kind === 'complex' || to.kind === 'complex') {
    throw new RekindleError('E_INVALID_DTYPE', `the values do not fit '${name}'`, {
      where,
      expected: dtype,
      received: tensor.dtype,
    })
  }
  if (to.kind === 'int' || to.kind === 'uint') checkWhole(tensor, dtype, where)
  return castTensor(tensor, dtype)
}

/** Whole numbers inside the range of the integer type: anything else would change silently. */
function checkWhole(tensor: Tensor, dtype: DType, where: string): void {
  const { kind, bits } = DTYPES[dtype]
  const low = kind === 'uint' ? 0 : -(2 ** (bits - 1))
  const high = 2 ** (kind === 'uint' ? bits : bits - 1) - 1
  const values = tensor.data as ArrayLike<number | bigint>
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i])
    if (Number.isInteger(value) && value >= low && value <= high) continue
    throw new RekindleError('E_INVALID_DTYPE', 'a value that the type cannot hold', {
      where,
      expected: `whole numbers that fit ${dtype}`,
      received: `${values[i]} at position ${i}`,
    })
  }
}

/**
 * The number of rows that all arrays share.
 * @throws RekindleError `E_INVALID_DATA` when they differ or there are none.
 */
export function sharedRows(arrays: readonly { readonly where: string; readonly tensor: Tensor }[]): number {
  const [first, ...others] = arrays
  const rows = first?.tensor.shape[0] ?? 0
  if (first === undefined || rows === 0) {
    throw new RekindleError('E_INVALID_DATA', 'the data is empty', {
      ...(first === undefined ? {} : { where: first.where }),
      expected: 'at least one row',
      received: '0 rows',
    })
  }
  for (const { where, tensor } of others) {
    if (tensor.shape[0] === rows) continue
    throw new RekindleError('E_INVALID_DATA', 'the arrays have different numbers of rows', {
      where,
      expected: `${rows} rows, as in ${first.where}`,
      received: `${tensor.shape[0]}`,
    })
  }
  return rows
}

/**
 * Checks class numbers: whole and from 0 to `classes - 1`.
 * @throws RekindleError `E_INVALID_DATA` that names the first wrong one and its row.
 */
export function checkLabels(labels: Tensor, classes: number, where = 'y'): void {
  const values = labels.data as ArrayLike<number | bigint>
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i])
    if (Number.isInteger(value) && value >= 0 && value < classes) continue
    throw new RekindleError('E_INVALID_DATA', 'a label that is not a class number', {
      where,
      expected: `whole numbers from 0 to ${classes - 1}`,
      received: `${values[i]} in row ${Math.floor((i * (labels.shape[0] as number)) / values.length)}`,
    })
  }
}
