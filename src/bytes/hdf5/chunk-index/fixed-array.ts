import { entryReader } from './array-entry.ts'
import { type ChunkWalker, numberChunks } from './grid.ts'

const CHECKSUM_BYTES = 4

/** For datasets that cannot grow: one array of entries, cut into pages when it is long. */
export const fixedArrayChunks: ChunkWalker = async function* (reader, grid, address) {
  const { offsetSize, lengthSize } = reader.format
  const header = await reader.checked(address, 8 + lengthSize + offsetSize + CHECKSUM_BYTES, 'FAHD')
  header.version('fixed array', 0)
  const client = header.u8()
  const entryBytes = header.u8()
  const pageBits = header.u8()
  const count = header.length()
  const block = header.address()
  if (block === undefined) return
  const entry = entryReader(reader, grid, numberChunks(grid), client, entryBytes)
  const perPage = 2 ** pageBits
  const prefixBytes = 6 + offsetSize
  if (count <= perPage) {
    const entries = await reader.checked(block, prefixBytes + count * entryBytes + CHECKSUM_BYTES, 'FADB')
    entries.skip(prefixBytes - 4)
    for (let index = 0; index < count; index++) {
      const chunk = entry.read(entries, index)
      if (chunk) yield chunk
    }
    return
  }
  const pages = Math.ceil(count / perPage)
  const bitmapBytes = Math.ceil(pages / 8)
  const bitmap = (await reader.checked(block, prefixBytes + bitmapBytes + CHECKSUM_BYTES, 'FADB')).skip(prefixBytes - 4)
  const written = bitmap.take(bitmapBytes)
  const firstPage = block + prefixBytes + bitmapBytes + CHECKSUM_BYTES
  for (let page = 0; page < pages; page++) {
    if (!isBitSet(written, page)) continue
    const start = page * perPage
    const inPage = Math.min(perPage, count - start)
    const place = firstPage + page * (perPage * entryBytes + CHECKSUM_BYTES)
    const entries = await reader.checked(place, inPage * entryBytes + CHECKSUM_BYTES)
    for (let i = 0; i < inPage; i++) {
      const chunk = entry.read(entries, start + i)
      if (chunk) yield chunk
    }
  }
}

/** Bits are counted from the high end of each byte. */
export function isBitSet(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] as number) >> (7 - (index & 7))) & 1) === 1
}
