import { RekindleError } from '../../errors.ts'
import { allocate, sizeOf, slotsPerElement, Tensor, type TypedArray } from '../../tensor/index.ts'

/** One batch of an epoch. Gathered tensors are used again: they hold until the next batch is asked for. */
export interface Batch {
  /** Number of the batch within its epoch, from 0. */
  readonly index: number
  readonly rows: number
  /** In the order of the arrays given to `Batches`. */
  readonly tensors: readonly Tensor[]
}

export interface EpochOptions {
  /** Row numbers in the order of this epoch; absent: the rows as they stand. */
  readonly order?: ArrayLike<number>
  /** Batches to pass over: where an interrupted epoch goes on. */
  readonly skip?: number
}

export interface BatchesOptions {
  readonly batchSize: number
  /** Memory for one full batch of each array, in their order: batches are then always copied into it. */
  readonly buffers?: readonly TypedArray[]
}

/** Rows that are shorter than this are copied element by element: a bulk copy costs more than it saves. */
const BULK_ELEMENTS = 12

/**
 * Cuts arrays of equal row count into batches, epoch after epoch, and allocates nothing per step when rows are
 * gathered: each array has one buffer, and one tensor on it for full batches and one for the smaller last batch.
 * Without an order (and without given buffers) a batch is a view on the data.
 */
export class Batches {
  readonly rows: number
  readonly batchSize: number
  /** Batches per epoch. */
  readonly steps: number
  readonly #sources: readonly RowSource[]
  readonly #copies: boolean

  constructor(arrays: readonly Tensor[], { batchSize, buffers }: BatchesOptions) {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'not a batch size', {
        where: 'batchSize',
        expected: 'a whole number from 1',
        received: String(batchSize),
      })
    }
    this.rows = arrays[0]?.shape[0] ?? 0
    this.batchSize = batchSize
    this.steps = Math.ceil(this.rows / batchSize)
    this.#copies = buffers !== undefined
    this.#sources = arrays.map((array, i) => new RowSource(array, Math.min(batchSize, this.rows), buffers?.[i]))
  }

  *epoch({ order, skip = 0 }: EpochOptions = {}): Generator<Batch, void, undefined> {
    for (let index = skip; index < this.steps; index++) {
      const start = index * this.batchSize
      const end = Math.min(start + this.batchSize, this.rows)
      const tensors = this.#sources.map((source) => {
        if (order !== undefined) return source.gather(order, start, end)
        return this.#copies ? source.copy(start, end) : source.view(start, end)
      })
      yield { index, rows: end - start, tensors }
    }
  }
}

/** One array, and the buffer that its batches are gathered into. */
class RowSource {
  readonly #array: Tensor
  /** Array slots per row. */
  readonly #width: number
  #buffer: TypedArray | string[] | undefined
  readonly #capacity: number
  readonly #bySize = new Map<number, Tensor>()

  constructor(array: Tensor, capacity: number, buffer: TypedArray | undefined) {
    this.#array = array
    this.#width = sizeOf(array.shape.slice(1)) * slotsPerElement(array.dtype)
    this.#capacity = capacity
    this.#buffer = buffer
  }

  view(start: number, end: number): Tensor {
    return this.#array.rows(start, end)
  }

  copy(start: number, end: number): Tensor {
    const target = this.#batchOf(end - start)
    const { data } = this.#array
    const [from, to] = [start * this.#width, end * this.#width]
    if (Array.isArray(data)) copyElements(data, from, target.data as unknown[], 0, to - from)
    else (target.data as Float32Array).set((data as Float32Array).subarray(from, to))
    return target
  }

  gather(order: ArrayLike<number>, start: number, end: number): Tensor {
    const target = this.#batchOf(end - start)
    const width = this.#width
    const { data } = this.#array
    if (width < BULK_ELEMENTS || Array.isArray(data)) {
      for (let i = start; i < end; i++) {
        copyElements(data, (order[i] as number) * width, target.data as unknown[], (i - start) * width, width)
      }
      return target
    }
    // The cast only names one of the array types: `set` and `subarray` mean the same on all of them.
    const from = data as Float32Array
    const to = target.data as Float32Array
    // The first elements go ahead: rows in random order are in no cache, and so all are waited for at once, not in turn.
    for (let i = start; i < end; i++) to[(i - start) * width] = from[(order[i] as number) * width] as number
    for (let i = start; i < end; i++) {
      const offset = (order[i] as number) * width
      to.set(from.subarray(offset, offset + width), (i - start) * width)
    }
    return target
  }

  #batchOf(rows: number): Tensor {
    const known = this.#bySize.get(rows)
    if (known !== undefined) return known
    const { dtype, shape } = this.#array
    this.#buffer ??= allocate(dtype, this.#capacity * sizeOf(shape.slice(1))) as TypedArray | string[]
    const slots = rows * this.#width
    const data = Array.isArray(this.#buffer) ? new Array<string>(slots).fill('') : this.#buffer.subarray(0, slots)
    const tensor = new Tensor(dtype, [rows, ...shape.slice(1)], data as never)
    this.#bySize.set(rows, tensor)
    return tensor
  }
}

function copyElements(from: ArrayLike<unknown>, start: number, to: unknown[], offset: number, count: number): void {
  for (let i = 0; i < count; i++) to[offset + i] = from[start + i]
}
