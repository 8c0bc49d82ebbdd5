import type { Cursor } from '../cursor.ts'
import type { H5Reader } from '../reader.ts'
import { type EntryReader, entryReader } from './array-entry.ts'
import { isBitSet } from './fixed-array.ts'
import { type ChunkGrid, type ChunkWalker, numberChunks, type StoredChunk } from './grid.ts'

const CHECKSUM_BYTES = 4
const MAX_INDEX_BITS = 52

interface ArrayHeader {
  readonly client: number
  readonly entryBytes: number
  /** Entries that stand in the index block itself. */
  readonly indexEntries: number
  /** Entries of the smallest data block. */
  readonly smallestBlock: number
  /** Data blocks that the smallest super block points to. */
  readonly smallestSuperBlock: number
  readonly perPage: number
  /** Width of a position in the array. */
  readonly offsetWidth: number
  readonly superBlocks: number
  readonly indexBlock: number | undefined
}

/** Super block `level` stands for so many data blocks of so many entries. */
function superBlock({ smallestBlock }: ArrayHeader, level: number): { blocks: number; entries: number } {
  return { blocks: 2 ** Math.floor(level / 2), entries: 2 ** Math.ceil(level / 2) * smallestBlock }
}

/**
 * For one unlimited dimension: the first entries in an index block, the next in data blocks that it points to, the
 * rest below super blocks. Entries are numbered with the unlimited dimension slowest.
 */
export const extensibleArrayChunks: ChunkWalker = async function* (reader, grid, address) {
  const header = await readHeader(reader, address)
  if (header.indexBlock === undefined) return
  const unlimited = Math.max(0, grid.maxShape.indexOf(Number.POSITIVE_INFINITY))
  const numbering = numberChunks(grid, unlimited)
  const entry = entryReader(reader, grid, numbering, header.client, header.entryBytes)
  const end = entriesInUse(grid, unlimited)
  const { offsetSize } = reader.format
  const directLevels = 2 * Math.log2(header.smallestSuperBlock)
  const directBlocks = 2 * (header.smallestSuperBlock - 1)
  const superPointers = Math.max(0, header.superBlocks - directLevels)
  const prefixBytes = 6 + offsetSize
  const length = header.indexEntries * header.entryBytes + (directBlocks + superPointers) * offsetSize
  const index = await reader.checked(header.indexBlock, prefixBytes + length + CHECKSUM_BYTES, 'EAIB')
  index.skip(prefixBytes - 4)
  yield* readEntries(entry, index, 0, header.indexEntries)
  let position = header.indexEntries
  for (let level = 0; level < directLevels; level++) {
    const { blocks, entries } = superBlock(header, level)
    for (let i = 0; i < blocks; i++, position += entries) {
      const block = index.address()
      if (block !== undefined) yield* readDataBlock(reader, header, entry, block, position, entries)
    }
  }
  for (let i = 0; i < superPointers && position < end; i++) {
    const { blocks, entries } = superBlock(header, directLevels + i)
    const block = index.address()
    if (block !== undefined) yield* readSuperBlock(reader, header, entry, block, position, directLevels + i)
    position += blocks * entries
  }
}

/** One more than the largest entry number that the present shape can use. */
function entriesInUse({ shape, maxShape, chunk }: ChunkGrid, unlimited: number): number {
  return chunk.reduce((product, size, dim) => {
    const extent = (dim === unlimited ? shape[dim] : maxShape[dim]) as number
    return product * Math.ceil(extent / size)
  }, 1)
}

async function readHeader(reader: H5Reader, address: number): Promise<ArrayHeader> {
  const { offsetSize, lengthSize } = reader.format
  const cursor = await reader.checked(address, 12 + 6 * lengthSize + offsetSize + CHECKSUM_BYTES, 'EAHD')
  cursor.version('extensible array', 0)
  const client = cursor.u8()
  const entryBytes = cursor.u8()
  const indexBits = cursor.u8()
  const indexEntries = cursor.u8()
  const smallestBlock = cursor.u8()
  const smallestSuperBlock = cursor.u8()
  const perPage = 2 ** cursor.u8()
  cursor.skip(6 * lengthSize)
  const powers = [smallestBlock, smallestSuperBlock].every((size) => size > 0 && Number.isInteger(Math.log2(size)))
  const superBlocks = 1 + indexBits - Math.log2(smallestBlock)
  if (!powers || indexBits > MAX_INDEX_BITS || superBlocks < 1)
    throw reader.invalid('a chunk index has impossible sizes')
  const offsetWidth = Math.ceil(indexBits / 8)
  const indexBlock = cursor.address()
  return {
    client,
    entryBytes,
    indexEntries,
    smallestBlock,
    smallestSuperBlock,
    perPage,
    offsetWidth,
    superBlocks,
    indexBlock,
  }
}

function* readEntries(entry: EntryReader, cursor: Cursor, first: number, count: number): Generator<StoredChunk> {
  for (let i = 0; i < count; i++) {
    const chunk = entry.read(cursor, first + i)
    if (chunk) yield chunk
  }
}

async function* readSuperBlock(
  reader: H5Reader,
  header: ArrayHeader,
  entry: EntryReader,
  address: number,
  first: number,
  level: number,
): AsyncGenerator<StoredChunk> {
  const { blocks, entries } = superBlock(header, level)
  const paged = entries > header.perPage
  const bitmapBytes = paged ? Math.ceil(entries / header.perPage / 8) : 0
  const prefixBytes = 6 + reader.format.offsetSize + header.offsetWidth
  const length = prefixBytes + blocks * (bitmapBytes + reader.format.offsetSize) + CHECKSUM_BYTES
  const cursor = (await reader.checked(address, length, 'EASB')).skip(prefixBytes - 4)
  // a bit for each page of each block, one after another
  const written = cursor.take(blocks * bitmapBytes)
  const pages = entries / header.perPage
  for (let i = 0; i < blocks; i++) {
    const block = cursor.address()
    if (block === undefined) continue
    const position = first + i * entries
    if (paged)
      yield* readPages(reader, header, entry, block, position, entries, (page) => isBitSet(written, i * pages + page))
    else yield* readDataBlock(reader, header, entry, block, position, entries)
  }
}

async function* readDataBlock(
  reader: H5Reader,
  header: ArrayHeader,
  entry: EntryReader,
  address: number,
  first: number,
  count: number,
): AsyncGenerator<StoredChunk> {
  const prefixBytes = 6 + reader.format.offsetSize + header.offsetWidth
  const cursor = await reader.checked(address, prefixBytes + count * entry.bytes + CHECKSUM_BYTES, 'EADB')
  yield* readEntries(entry, cursor.skip(prefixBytes - 4), first, count)
}

/** A long data block: its prefix has a checksum of its own, then come pages of entries. */
async function* readPages(
  reader: H5Reader,
  { perPage, offsetWidth }: ArrayHeader,
  entry: EntryReader,
  address: number,
  first: number,
  count: number,
  isWritten: (page: number) => boolean,
): AsyncGenerator<StoredChunk> {
  const prefixBytes = 6 + reader.format.offsetSize + offsetWidth + CHECKSUM_BYTES
  await reader.checked(address, prefixBytes, 'EADB')
  const pageBytes = perPage * entry.bytes + CHECKSUM_BYTES
  for (let page = 0; page < count / perPage; page++) {
    if (!isWritten(page)) continue
    const cursor = await reader.checked(address + prefixBytes + page * pageBytes, pageBytes)
    yield* readEntries(entry, cursor, first + page * perPage, perPage)
  }
}
