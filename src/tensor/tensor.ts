import { RekindleError } from '../errors.ts'
import { type ArrayOf, allocate, DTYPES, type DType, isDType, slotsPerElement } from './dtype.ts'
import { toBfloat16, toFloat16, widenFloats } from './narrow-floats.ts'
import { formatShape, type Shape, sizeOf } from './shape.ts'

/** Anything that a user may hand in as numbers: nested arrays, typed arrays (one dimension), single values. */
export type NestedArray = number | bigint | boolean | string | ArrayLike<number> | ArrayLike<bigint> | NestedList
interface NestedList extends ReadonlyArray<NestedArray> {}

/**
 * A dense array in row-major order. `data` may be a view on a larger buffer; a tensor never copies it.
 * int64 holds a BigInt64Array; float16 and bfloat16 their raw bits in a Uint16Array (`castTensor` converts).
 */
export class Tensor<D extends DType = DType> {
  readonly dtype: D
  readonly shape: Shape
  readonly data: ArrayOf<D>

  /** @throws RekindleError `E_INVALID_SHAPE` when the data does not have as many elements as the shape. */
  constructor(dtype: D, shape: Shape, data: ArrayOf<D>) {
    const slots = sizeOf(shape) * slotsPerElement(dtype)
    if (data.length !== slots) {
      throw new RekindleError('E_INVALID_SHAPE', `${dtype} tensor of shape ${formatShape(shape)}`, {
        expected: `${slots} values`,
        received: String(data.length),
      })
    }
    this.dtype = dtype
    this.shape = shape
    this.data = data
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape)
  }

  /** The same data under another shape of the same size. */
  reshape(shape: Shape): Tensor<D> {
    return new Tensor(this.dtype, shape, this.data)
  }

  /** A tensor of its own memory. */
  clone(): Tensor<D> {
    return new Tensor(this.dtype, this.shape, this.data.slice() as ArrayOf<D>)
  }

  /** Rows `start` (inclusive) to `end` (exclusive) of the first axis, as a view. */
  rows(start: number, end: number): Tensor<D> {
    const width = (sizeOf(this.shape) / (this.shape[0] || 1)) * slotsPerElement(this.dtype)
    const data = this.data as unknown as {
      subarray?(a: number, b: number): ArrayOf<D>
      slice(a: number, b: number): ArrayOf<D>
    }
    const part = data.subarray ? data.subarray(start * width, end * width) : data.slice(start * width, end * width)
    return new Tensor(this.dtype, [end - start, ...this.shape.slice(1)], part)
  }

  /** Nested JavaScript arrays; a scalar gives a single value. */
  toArray(): unknown {
    const { data, shape } = this
    let offset = 0
    const walk = (axis: number): unknown => {
      if (axis === shape.length) return (data as ArrayLike<unknown>)[offset++]
      return Array.from({ length: shape[axis] as number }, () => walk(axis + 1))
    }
    return walk(0)
  }
}

/**
 * A tensor from nested arrays, a typed array or a single value.
 * The dtype follows the data when it is not given: typed arrays keep theirs, booleans give bool, bigints int64,
 * strings string, numbers float32.
 *
 * @throws RekindleError `E_INVALID_SHAPE` for ragged arrays or a shape that does not fit; `E_INVALID_DATA`,
 *   `E_INVALID_DTYPE`.
 */
export function tensor<D extends DType = DType>(
  values: NestedArray | Tensor,
  options: { shape?: Shape; dtype?: D } = {},
): Tensor<D> {
  if (options.dtype !== undefined && !isDType(options.dtype)) {
    throw new RekindleError('E_INVALID_DTYPE', 'no such dtype', {
      expected: Object.keys(DTYPES).join(', '),
      received: String(options.dtype),
    })
  }
  if (values instanceof Tensor) {
    const dtype = options.dtype ?? (values.dtype as D)
    return castTensor(options.shape ? values.reshape(options.shape) : values, dtype)
  }
  if (ArrayBuffer.isView(values)) {
    const dtype = dtypeOfArray(values)
    const source = new Tensor(
      dtype,
      options.shape ?? [(values as unknown as ArrayLike<number>).length],
      values as never,
    )
    return castTensor(source, options.dtype ?? (dtype as D))
  }
  const shape: number[] = []
  for (let level: unknown = values; isList(level); level = level[0]) shape.push(level.length)
  const flat: unknown[] = []
  const walk = (value: unknown, axis: number): void => {
    if (axis === shape.length && !isList(value)) {
      flat.push(value)
      return
    }
    if (!isList(value) || value.length !== shape[axis]) {
      throw new RekindleError('E_INVALID_SHAPE', 'ragged array', {
        expected: `rows of ${shape[axis] ?? 'one value'} at depth ${axis}`,
        received: isList(value) ? `${value.length}` : typeof value,
      })
    }
    for (let i = 0; i < value.length; i++) walk(value[i], axis + 1)
  }
  walk(values, 0)
  const dtype = options.dtype ?? (dtypeOfValue(flat[0]) as D)
  return new Tensor(dtype, options.shape ?? shape, convertValues(flat, dtype))
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value)
}

function dtypeOfValue(value: unknown): DType {
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int64'
    case 'string':
      return 'string'
    default:
      return 'float32'
  }
}

const PREFERRED_DTYPE = [
  'float32',
  'float64',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
] as const

/** The plain dtype of a typed array: a Uint8Array is uint8, a Uint16Array uint16. */
export function dtypeOfArray(array: ArrayBufferView): DType {
  const found = PREFERRED_DTYPE.find((dtype) => array instanceof DTYPES[dtype].array)
  if (found) return found
  if (array instanceof Uint8ClampedArray) return 'uint8'
  throw new RekindleError('E_INVALID_DTYPE', 'no dtype for this array', { received: array.constructor.name })
}

function convertValues<D extends DType>(values: readonly unknown[], dtype: D): ArrayOf<D> {
  if (dtype === 'string') return values.map(String) as ArrayOf<D>
  const out = allocate(dtype, values.length / slotsPerElement(dtype))
  const { kind, bits } = DTYPES[dtype]
  const big = bits === 64 && kind !== 'float' && kind !== 'complex'
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value === null || !['number', 'bigint', 'boolean'].includes(typeof value)) {
      throw new RekindleError('E_INVALID_DATA', 'not a number', { where: `value ${i}`, received: String(value) })
    }
    ;(out as unknown[])[i] = big ? BigInt(value as number) : Number(value)
  }
  return out
}

/**
 * Converts the elements; floats are truncated into integers, and rounded to nearest even into float16 and bfloat16.
 * @throws RekindleError `E_UNSUPPORTED_DTYPE` for strings, complex numbers and narrowing to a float8.
 */
export function castTensor<D extends DType>(source: Tensor, dtype: D): Tensor<D> {
  if (source.dtype === (dtype as DType)) return source as unknown as Tensor<D>
  const from = DTYPES[source.dtype]
  const to = DTYPES[dtype]
  const plain = [from.kind, to.kind].every((kind) => kind !== 'string' && kind !== 'complex')
  if (!plain || (isRawFloat(dtype) && to.bits < 16)) {
    throw new RekindleError('E_UNSUPPORTED_DTYPE', `no conversion from ${source.dtype} to ${dtype}`)
  }
  if (isRawFloat(source.dtype)) {
    const wide = widenFloats(source.data as Uint16Array, source.dtype)
    return castTensor(new Tensor('float32', source.shape, wide), dtype)
  }
  if (isRawFloat(dtype)) {
    const wide = castTensor(source, 'float32').data as Float32Array<ArrayBuffer>
    const bits = dtype === 'float16' ? toFloat16(wide) : toBfloat16(wide)
    return new Tensor(dtype, source.shape, bits as ArrayOf<D>)
  }
  const out = allocate(dtype, source.size)
  const values = source.data as ArrayLike<number | bigint>
  const target = out as unknown as (number | bigint)[]
  if (to.bits === 64 && to.kind !== 'float') {
    for (let i = 0; i < values.length; i++)
      target[i] = typeof values[i] === 'bigint' ? (values[i] as bigint) : BigInt(Math.trunc(values[i] as number))
  } else if (to.kind === 'bool') {
    for (let i = 0; i < values.length; i++) target[i] = Number(values[i]) === 0 ? 0 : 1
  } else {
    for (let i = 0; i < values.length; i++) target[i] = Number(values[i])
  }
  return new Tensor(dtype, source.shape, out)
}

/** True for the float types that are held as raw bits. */
export function isRawFloat(dtype: DType): boolean {
  const { kind, bits } = DTYPES[dtype]
  return kind === 'float' && bits < 32
}
