import { RekindleError } from '../../errors.ts'
import type { Tensor } from '../../tensor/index.ts'
import { type DataInput, toTensors } from './arrays.ts'
import { sharedRows, type TensorSpec } from './spec.ts'

/** One batch as a user's iterable gives it. */
export type UserBatch =
  | { readonly x: DataInput; readonly y?: DataInput; readonly sampleWeight?: DataInput }
  | readonly [x: DataInput, y?: DataInput, sampleWeight?: DataInput]

type AnyIterable<T> = AsyncIterable<T> | Iterable<T>

/** Batches that come one after the other: an iterable, or a function that starts it anew for each epoch. */
export type BatchStream = AnyIterable<UserBatch> | (() => AnyIterable<UserBatch>)

export interface StreamedBatch {
  readonly index: number
  readonly rows: number
  readonly x: readonly Tensor[]
  /** Null where the batch has no targets (`predict`). */
  readonly y: readonly Tensor[] | null
  readonly sampleWeight: readonly Tensor[] | null
}

export interface StreamSpecs {
  readonly x: readonly TensorSpec[]
  readonly y?: readonly TensorSpec[]
  readonly sampleWeight?: readonly TensorSpec[]
}

/** True for what `streamBatches` takes and `toTensors` does not. */
export function isBatchStream(data: unknown): data is BatchStream {
  if (typeof data === 'function') return true
  if (typeof data !== 'object' || data === null || Array.isArray(data) || ArrayBuffer.isView(data)) return false
  return Symbol.asyncIterator in data || (Symbol.iterator in data && !(data instanceof Map))
}

/**
 * One epoch of a stream: every batch checked against the specs.
 *
 * @param skip Batches to pass over: where an interrupted epoch goes on.
 * @throws RekindleError `E_INVALID_DATA` when the stream ends before its first batch (a generator that was used up).
 */
export async function* streamBatches(
  stream: BatchStream,
  specs: StreamSpecs,
  skip = 0,
): AsyncGenerator<StreamedBatch, void, undefined> {
  let index = 0
  for await (const batch of typeof stream === 'function' ? stream() : stream) {
    if (index++ < skip) continue
    yield await readBatch(batch, specs, index - 1)
  }
  if (index === 0) {
    throw new RekindleError('E_INVALID_DATA', 'the stream of batches is empty', {
      where: 'x',
      expected: 'an iterable that starts again for each epoch, or a function that makes one',
      received: 'no batches',
    })
  }
}

async function readBatch(batch: UserBatch, specs: StreamSpecs, index: number): Promise<StreamedBatch> {
  const where = `batch ${index}`
  const { x, y, sampleWeight } = partsOf(batch, where)
  if (x === undefined) throw new RekindleError('E_INVALID_DATA', 'no inputs', { where, expected: '{ x, y } or [x, y]' })
  if (specs.y !== undefined && y === undefined) {
    throw new RekindleError('E_INVALID_DATA', 'no targets', {
      where,
      expected: '{ x, y } or [x, y]',
      received: 'x alone',
    })
  }
  const read = async (data: DataInput | undefined, wanted: readonly TensorSpec[] | undefined, name: string) =>
    data === undefined || wanted === undefined ? null : toTensors(data, wanted, `${where}, ${name}`)
  const inputs = await toTensors(x, specs.x, `${where}, x`)
  const targets = await read(y, specs.y, 'y')
  const weights = await read(sampleWeight, specs.sampleWeight, 'sampleWeight')
  const all = [inputs, targets ?? [], weights ?? []].flat()
  const rows = sharedRows(
    all.map((tensor, i) => ({ where: i < inputs.length ? `${where}, x` : `${where}, y`, tensor })),
  )
  return { index, rows, x: inputs, y: targets, sampleWeight: weights }
}

interface Parts {
  readonly x?: DataInput | undefined
  readonly y?: DataInput | undefined
  readonly sampleWeight?: DataInput | undefined
}

function partsOf(batch: UserBatch, where: string): Parts {
  if (Array.isArray(batch)) {
    const [x, y, sampleWeight] = batch as readonly [DataInput, DataInput?, DataInput?]
    return { x, y, sampleWeight }
  }
  if (typeof batch === 'object' && batch !== null && 'x' in batch) return batch
  throw new RekindleError('E_INVALID_DATA', 'not a batch', {
    where,
    expected: '{ x, y } or [x, y]',
    received: typeof batch,
  })
}
