import { RekindleError } from '../errors.ts'

/** A concrete shape. A scalar is `[]`. */
export type Shape = readonly number[]

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1
  for (const dim of shape) size *= dim
  return size
}

export function sameShape(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i])
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= shape[i] as number
  }
  return strides
}

/** `-1` counts from the end, as in numpy; out of range is an error that names the axis. */
export function normalizeAxis(axis: number, rank: number, where = 'axis'): number {
  const normal = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank) {
    throw new RekindleError('E_INVALID_SHAPE', 'axis out of range', {
      where,
      expected: `an axis from ${-rank} to ${rank - 1}`,
      received: String(axis),
    })
  }
  return normal
}

/** `[N, 28, 28]`, the way shapes are shown to people; null and -1 are the free batch dimension. */
export function formatShape(shape: readonly (number | string | null)[]): string {
  return `[${shape.map((dim) => (dim === null || dim === -1 ? 'N' : String(dim))).join(', ')}]`
}
