import type { Cursor } from './cursor.ts'

/** The shape of a dataset or attribute. A null dataspace has no elements at all, not even a scalar. */
export interface Dataspace {
  readonly isNull: boolean
  readonly shape: readonly number[]
  /** What each dimension may grow to; Infinity where unlimited. */
  readonly maxShape: readonly number[]
}

const KIND_NULL = 2
const MAX_RANK = 32

export function parseDataspace(cursor: Cursor): Dataspace {
  const version = cursor.u8()
  if (version !== 1 && version !== 2) throw cursor.unsupported(`dataspace version ${version}`)
  const rank = cursor.u8()
  const flags = cursor.u8()
  const kind = cursor.u8()
  if (version === 1) cursor.skip(4)
  const isNull = version === 2 && kind === KIND_NULL
  if (rank > MAX_RANK) throw cursor.invalid('a shape has too many dimensions', { received: `${rank}` })
  const shape = Array.from({ length: rank }, () => cursor.length())
  const { lengthSize } = cursor.format
  const maxShape = flags & 1 ? shape.map(() => cursor.limitedLength(lengthSize)) : shape
  elementCount(cursor, shape)
  return isNull ? { isNull, shape: [0], maxShape: [0] } : { isNull, shape, maxShape }
}

/** @throws RekindleError `E_INVALID_HDF5` when the product is no exact number. */
export function elementCount(cursor: Cursor, shape: readonly number[]): number {
  if (shape.includes(0)) return 0
  const count = shape.reduce((product, dim) => product * dim, 1)
  if (count > Number.MAX_SAFE_INTEGER) {
    throw cursor.invalid('a shape is too large', { received: `[${shape.join(', ')}]` })
  }
  return count
}
