import type { Dim } from '../graph/index.ts'
import { allocate, DTYPES, type DType, sizeOf, stridesOf, Tensor } from '../tensor/index.ts'
import { broadcastShapes } from './dims.ts'

/** Folding makes no tensor with more elements than this. */
export const FOLD_LIMIT = 1 << 16

/** Elements as JavaScript sees them: BigInt for the 64-bit integers. */
export type Element = number | bigint
export type Elements = ArrayLike<Element>

/** One way to compute, for numbers and for 64-bit integers; null stands for "not for this kind". */
export interface Elementwise {
  readonly number: ((...x: number[]) => number) | null
  readonly bigint: ((...x: bigint[]) => bigint | number) | null
}

/** The same for two elements of every kind. */
export interface Pairwise extends Elementwise {
  readonly number: (a: number, b: number) => number
  readonly bigint: (a: bigint, b: bigint) => bigint
}

export const SMALLER: Pairwise = {
  number: Math.min,
  bigint: (a, b) => {
    if (a < b) return a
    return b
  },
}

export const LARGER: Pairwise = {
  number: Math.max,
  bigint: (a, b) => {
    if (a > b) return a
    return b
  },
}

export function elementsOf(x: Tensor): Elements {
  return x.data as Elements
}

/** Integers of a tensor as plain numbers: axes, shapes, indices. */
export function intsOf(x: Tensor): number[] {
  return Array.from(elementsOf(x), Number)
}

/** A tensor of what `at` gives for each place. Typed arrays wrap and round as the dtype does. */
export function generate(dtype: DType, shape: readonly number[], at: (i: number) => Element): Tensor {
  const data = allocate(dtype, sizeOf(shape))
  const target = data as unknown as Element[]
  for (let i = 0; i < target.length; i++) target[i] = at(i)
  return new Tensor(dtype, shape, data)
}

export function isBig(dtype: DType): boolean {
  const { bits, kind } = DTYPES[dtype]
  return bits === 64 && (kind === 'int' || kind === 'uint')
}

/** Applies an elementwise function to broadcast tensors. */
export function elementwise(x: readonly Tensor[], how: Elementwise, dtype?: DType): Tensor | null {
  const [first] = x
  if (!first) return null
  const big = isBig(first.dtype)
  const apply = (big ? how.bigint : how.number) as ((...values: Element[]) => Element) | null
  const shape = broadcastShapes(x.map((tensor) => tensor.shape)) as readonly number[] | undefined
  if (apply === null || shape === undefined) return null
  const readers = x.map((tensor) => broadcastReader(tensor, shape))
  return generate(dtype ?? first.dtype, shape, (i) => apply(...readers.map((read) => read(i))))
}

/** Reads a tensor as if it had the larger shape. */
export function broadcastReader(x: Tensor, shape: readonly number[]): (i: number) => Element {
  const data = elementsOf(x)
  if (x.size === 1) return () => data[0] as Element
  if (x.size === sizeOf(shape)) return (i) => data[i] as Element
  const lead = shape.length - x.shape.length
  const own = stridesOf(x.shape)
  const strides = shape.map((_, axis) => (axis < lead || x.shape[axis - lead] === 1 ? 0 : (own[axis - lead] as number)))
  return (i) => data[mapOffset(i, shape, strides)] as Element
}

/** The offset that strides give for the element of row-major number i in a shape. */
export function mapOffset(i: number, shape: readonly number[], strides: readonly number[]): number {
  let offset = 0
  let rest = i
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number
    offset += (rest % size) * (strides[axis] as number)
    rest = Math.floor(rest / size)
  }
  return offset
}

/** The coordinates of the element of row-major number i. */
export function coordinatesOf(i: number, shape: readonly number[]): number[] {
  const coordinates = new Array<number>(shape.length)
  let rest = i
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number
    coordinates[axis] = rest % size
    rest = Math.floor(rest / size)
  }
  return coordinates
}

/** A tensor whose element at each coordinate is that of `x` at the coordinate that `from` gives. */
export function rearrange(
  x: Tensor,
  shape: readonly Dim[],
  from: (at: readonly number[]) => readonly number[],
): Tensor {
  const concrete = shape as readonly number[]
  const strides = stridesOf(x.shape)
  const data = elementsOf(x)
  return generate(x.dtype, concrete, (i) => {
    const source = from(coordinatesOf(i, concrete))
    let offset = 0
    for (let axis = 0; axis < source.length; axis++) offset += (source[axis] as number) * (strides[axis] as number)
    return data[offset] as Element
  })
}
