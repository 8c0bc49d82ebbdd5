import { type ArrayOf, DTYPES, type DType, slotsPerElement, type TypedArray } from '../../tensor/index.ts'
import { decodeText } from './cursor.ts'
import type { ElementType } from './datatype.ts'
import type { GlobalHeap } from './global-heap.ts'
import type { Budget } from './limits.ts'
import type { H5Reader } from './reader.ts'

/** What a text costs beside its bytes. */
const STRING_COST = 16

/**
 * Numbers over their bytes: a view where the machine's order and alignment allow, else a copy.
 *
 * @param bytes exactly `count` elements
 */
export function numbersOver<D extends DType>(
  bytes: Uint8Array,
  dtype: D,
  count: number,
  bigEndian: boolean,
): ArrayOf<D> {
  const Constructor = DTYPES[dtype].array as {
    readonly BYTES_PER_ELEMENT: number
    new (buffer: ArrayBufferLike, offset: number, length: number): TypedArray
  }
  const width = Constructor.BYTES_PER_ELEMENT
  const swap = bigEndian && width > 1
  const usable = swap || bytes.byteOffset % width !== 0 ? new Uint8Array(bytes) : bytes
  if (swap) for (let i = 0; i < usable.length; i += width) usable.subarray(i, i + width).reverse()
  return new Constructor(usable.buffer, usable.byteOffset, count * slotsPerElement(dtype)) as ArrayOf<D>
}

/** Texts of either kind. `budget` pays for them: a few bytes of a file may stand for many texts. */
export async function readStrings(
  reader: H5Reader,
  heap: GlobalHeap,
  type: ElementType & { readonly kind: 'string' | 'variable-string' },
  bytes: Uint8Array,
  budget: Budget,
): Promise<string[]> {
  const count = bytes.length / type.size
  budget.spend(count * STRING_COST, reader.where)
  const strings: string[] = []
  if (type.kind === 'string') {
    for (let start = 0; start < bytes.length; start += type.size) {
      strings.push(decodeText(trim(bytes.subarray(start, start + type.size), type.padding)))
    }
    return strings
  }
  const cursor = reader.over(bytes)
  for (let i = 0; i < count; i++) {
    const length = cursor.u32()
    const address = cursor.address()
    const index = cursor.u32()
    // a text that was never written points nowhere
    if (length === 0 || address === undefined || address === reader.format.base) {
      strings.push('')
      continue
    }
    const object = await heap.read(reader, address, index)
    if (length > object.length) {
      throw reader.invalid('a text is longer than its place', { expected: `${object.length}`, received: `${length}` })
    }
    budget.spend(length, reader.where)
    strings.push(decodeText(object.subarray(0, length)))
  }
  return strings
}

function trim(bytes: Uint8Array, padding: (ElementType & { kind: 'string' })['padding']): Uint8Array {
  if (padding === 'zero-terminated') {
    const end = bytes.indexOf(0)
    return end < 0 ? bytes : bytes.subarray(0, end)
  }
  const filler = padding === 'space-padded' ? 0x20 : 0
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === filler) end--
  return bytes.subarray(0, end)
}
