import type { Cursor } from '../cursor.ts'
import type { H5Reader } from '../reader.ts'
import type { ChunkGrid, Numbering, StoredChunk } from './grid.ts'
import { isInside } from './grid.ts'

const FILTERED_CLIENT = 1

/** Reads the entries of fixed and extensible arrays: an address, and with filters a size and a mask. */
export interface EntryReader {
  readonly bytes: number
  /** The chunk with number `index`; undefined when it was never written or lies outside. */
  read(cursor: Cursor, index: number): StoredChunk | undefined
}

/** @param client what the array's header says its entries are: 1 for chunks with filters */
export function entryReader(
  reader: H5Reader,
  grid: ChunkGrid,
  numbering: Numbering,
  client: number,
  entryBytes: number,
): EntryReader {
  const { offsetSize } = reader.format
  const filtered = client === FILTERED_CLIENT
  const sizeWidth = filtered ? entryBytes - offsetSize - 4 : 0
  if (
    client > FILTERED_CLIENT ||
    filtered !== grid.filtered ||
    (filtered ? sizeWidth < 1 : entryBytes !== offsetSize)
  ) {
    throw reader.invalid('a chunk index does not fit its dataset')
  }
  if (sizeWidth > 8) throw reader.invalid('a chunk index has an impossible width')
  return {
    bytes: entryBytes,
    read(cursor, index) {
      const address = cursor.address()
      const storedBytes = filtered ? cursor.uint(sizeWidth) : grid.chunkBytes
      const filterMask = filtered ? cursor.u32() : 0
      if (address === undefined || index >= numbering.count) return undefined
      const origin = numbering.origin(index)
      return isInside(grid, origin) ? { origin, address, storedBytes, filterMask } : undefined
    },
  }
}
