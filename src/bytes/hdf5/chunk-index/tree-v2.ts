import { walkRecords } from '../btree-v2.ts'
import { type ChunkWalker, isInside } from './grid.ts'

const PLAIN_RECORDS = 10
const FILTERED_RECORDS = 11

/** For several unlimited dimensions: a B-tree of addresses and chunk coordinates. */
export const treeV2Chunks: ChunkWalker = async function* (reader, grid, address) {
  const rank = grid.chunk.length
  const { filtered, chunkBytes } = grid
  for await (const record of walkRecords(reader, address, filtered ? FILTERED_RECORDS : PLAIN_RECORDS)) {
    const sizeWidth = record.length - reader.format.offsetSize - 4 - 8 * rank
    const cursor = reader.over(record)
    const place = cursor.requiredAddress()
    if (filtered && (sizeWidth < 1 || sizeWidth > 8)) throw reader.invalid('a chunk index has an impossible width')
    const storedBytes = filtered ? cursor.uint(sizeWidth) : chunkBytes
    const filterMask = filtered ? cursor.u32() : 0
    const origin = grid.chunk.map((size) => cursor.u64() * size)
    if (isInside(grid, origin)) yield { origin, address: place, storedBytes, filterMask }
  }
}
