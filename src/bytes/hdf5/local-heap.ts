import type { Cursor } from './cursor.ts'
import type { H5Reader } from './reader.ts'

/** The names of an old-style group: texts found by their offset. */
export async function openLocalHeap(reader: H5Reader, address: number): Promise<(offset: number) => string> {
  const header = (await reader.cursor(address, 8 + 2 * reader.format.lengthSize + reader.format.offsetSize))
    .signature('HEAP')
    .version('local heap', 0)
    .skip(3)
  const size = header.length()
  header.length()
  const data: Cursor = await reader.cursor(header.requiredAddress(), size)
  return (offset) => {
    if (offset >= size)
      throw reader.invalid('a name is outside its heap', { expected: `below ${size}`, received: `${offset}` })
    data.position = offset
    const text = data.zeroTerminated()
    // many names may share one text: each costs its length
    reader.budget.spend(data.position - offset, reader.where)
    return text
  }
}
