import { bytesToHold, walkRecords } from './btree-v2.ts'
import { type H5Reader, VisitedPlaces } from './reader.ts'

const ID_MANAGED = 0
const ID_HUGE = 1
const ID_TINY = 2
const HUGE_OBJECT_RECORDS = 1
const MAX_ROWS = 64

/** A heap of small objects in blocks that double in size: holds the links and attributes of large groups. */
export interface FractalHeap {
  /** The object that an id names; a view of the heap. */
  read(reader: H5Reader, id: Uint8Array): Promise<Uint8Array>
}

interface HeapHeader {
  readonly idBytes: number
  readonly hugeTree: number | undefined
  readonly tableWidth: number
  readonly startBlock: number
  readonly maxDirectBlock: number
  readonly root: number | undefined
  readonly rootRows: number
  /** Width of an offset into the heap. */
  readonly offsetWidth: number
  /** Width of an object's length. */
  readonly lengthWidth: number
}

/** A block of objects: `start` is its place in the heap's own address space. */
interface DirectBlock {
  readonly start: number
  readonly size: number
  readonly address: number
}

export async function openFractalHeap(reader: H5Reader, address: number): Promise<FractalHeap> {
  const header = await readHeader(reader, address)
  const blocks = await listBlocks(reader, header)
  const hugeIdBytes = Math.min(reader.format.lengthSize, header.idBytes - 1)
  const hugeIsDirect = header.idBytes - 1 >= reader.format.offsetSize + reader.format.lengthSize
  return {
    async read(reader, id) {
      const cursor = reader.over(id)
      const kind = cursor.u8()
      if (kind >> 6) throw reader.unsupported(`heap id version ${kind >> 6}`)
      switch ((kind >> 4) & 0x03) {
        case ID_MANAGED: {
          const offset = cursor.uint(header.offsetWidth)
          const length = cursor.uint(header.lengthWidth)
          const block = findBlock(blocks, offset)
          if (block === undefined || offset + length > block.start + block.size) {
            throw reader.invalid('an object is outside its heap', { received: `${length} bytes at ${offset}` })
          }
          return (await reader.cursor(block.address + offset - block.start, length)).rest()
        }
        case ID_HUGE: {
          const place = hugeIsDirect
            ? { address: cursor.requiredAddress(), length: cursor.length() }
            : await findHuge(reader, header, cursor.uint(hugeIdBytes))
          return (await reader.cursor(place.address, place.length)).rest()
        }
        case ID_TINY: {
          const extended = header.idBytes - 1 > 17
          const length = extended ? (((kind & 0x0f) << 8) | cursor.u8()) + 1 : (kind & 0x0f) + 1
          return cursor.take(length)
        }
        default:
          throw reader.invalid('a heap id is of no known kind')
      }
    },
  }
}

async function readHeader(reader: H5Reader, address: number): Promise<HeapHeader> {
  const { offsetSize, lengthSize } = reader.format
  const cursor = await reader.checked(address, 26 + 12 * lengthSize + 3 * offsetSize, 'FRHP')
  cursor.version('fractal heap', 0)
  const idBytes = cursor.u16()
  const filterBytes = cursor.u16()
  cursor.skip(1)
  const maxManaged = cursor.u32()
  if (filterBytes > 0) throw reader.unsupported('a compressed heap')
  cursor.length()
  const hugeTree = cursor.address()
  cursor.length()
  cursor.address()
  // sizes and counts of managed, huge and tiny objects
  cursor.skip(8 * lengthSize)
  const tableWidth = cursor.u16()
  const startBlock = cursor.length()
  const maxDirectBlock = cursor.length()
  const maxHeapBits = cursor.u16()
  cursor.skip(2)
  const root = cursor.address()
  const rootRows = cursor.u16()
  const powersOfTwo = [tableWidth, startBlock, maxDirectBlock].every(
    (size) => size > 0 && Number.isInteger(Math.log2(size)),
  )
  if (!powersOfTwo || maxDirectBlock < startBlock || rootRows > MAX_ROWS || maxHeapBits > 64 || idBytes < 2) {
    throw reader.invalid('a heap has impossible sizes')
  }
  const offsetWidth = Math.ceil(maxHeapBits / 8)
  const lengthWidth = Math.min(Math.ceil(Math.log2(maxDirectBlock) / 8), bytesToHold(maxManaged))
  return { idBytes, hugeTree, tableWidth, startBlock, maxDirectBlock, root, rootRows, offsetWidth, lengthWidth }
}

/** Block size of a row of the doubling table: start, start, 2 start, 4 start … */
function rowBlockSize({ startBlock }: HeapHeader, row: number): number {
  return startBlock * 2 ** Math.max(row - 1, 0)
}

async function listBlocks(reader: H5Reader, header: HeapHeader): Promise<DirectBlock[]> {
  const blocks: DirectBlock[] = []
  const visited = new VisitedPlaces()
  const { startBlock, maxDirectBlock, tableWidth, offsetWidth, root, rootRows } = header
  const { offsetSize } = reader.format
  const directRows = Math.log2(maxDirectBlock / startBlock) + 2
  const prefixBytes = 5 + offsetSize + offsetWidth
  const addDirect = async (address: number, start: number, size: number): Promise<void> => {
    visited.enter(reader, address)
    reader.checkRange(address, size)
    ;(await reader.cursor(address, prefixBytes)).signature('FHDB').version('heap block', 0)
    blocks.push({ start, size, address })
  }
  const addIndirect = async (address: number, start: number, rows: number): Promise<void> => {
    visited.enter(reader, address)
    if (rows < 1) throw reader.invalid('a heap block has no rows')
    const cursor = await reader.checked(address, prefixBytes + rows * tableWidth * offsetSize + 4, 'FHIB')
    cursor.version('heap block', 0).skip(offsetSize + offsetWidth)
    let position = start
    for (let row = 0; row < rows; row++) {
      const size = rowBlockSize(header, row)
      for (let column = 0; column < tableWidth; column++, position += size) {
        const child = cursor.address()
        if (child === undefined) continue
        if (row < directRows) await addDirect(child, position, size)
        else await addIndirect(child, position, Math.log2(size / (startBlock * tableWidth)) + 1)
      }
    }
  }
  if (root !== undefined) {
    if (rootRows === 0) await addDirect(root, 0, startBlock)
    else await addIndirect(root, 0, rootRows)
  }
  return blocks
}

/** Blocks are listed in the order of their starts. */
function findBlock(blocks: readonly DirectBlock[], offset: number): DirectBlock | undefined {
  let low = 0
  let high = blocks.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((blocks[middle] as DirectBlock).start <= offset) low = middle + 1
    else high = middle
  }
  const block = blocks[low - 1]
  return block && offset < block.start + block.size ? block : undefined
}

async function findHuge(
  reader: H5Reader,
  { hugeTree }: HeapHeader,
  id: number,
): Promise<{ address: number; length: number }> {
  if (hugeTree === undefined) throw reader.invalid('a heap has no tree of large objects')
  for await (const record of walkRecords(reader, hugeTree, HUGE_OBJECT_RECORDS)) {
    const cursor = reader.over(record)
    const address = cursor.requiredAddress()
    const length = cursor.length()
    if (cursor.length() === id) return { address, length }
  }
  throw reader.invalid('a large object is not in its heap', { received: `id ${id}` })
}
