import { type H5Reader, VisitedPlaces } from './reader.ts'

/** Signature, version, type and checksum of a node. */
const NODE_OVERHEAD = 10
const CHECKSUM_BYTES = 4
const MAX_DEPTH = 32

/** Bytes that hold every number from 0 to `limit`. */
export function bytesToHold(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1
}

interface Level {
  /** Width of "records in this child" and "records below this child" in a node of the level above. */
  readonly totalWidth: number
  /** Most records in the subtree under a node of this level. */
  readonly total: number
}

interface Tree {
  readonly reader: H5Reader
  readonly type: number
  readonly recordBytes: number
  readonly countWidth: number
  readonly levels: readonly Level[]
  readonly visited: VisitedPlaces
}

/**
 * The records of a version 2 B-tree in order.
 *
 * @param type what the records are: the caller knows, and a tree of another type is refused.
 */
export async function* walkRecords(reader: H5Reader, address: number, type: number): AsyncGenerator<Uint8Array> {
  const { offsetSize, lengthSize } = reader.format
  const header = await reader.checked(address, 16 + offsetSize + 2 + lengthSize + CHECKSUM_BYTES, 'BTHD')
  header.version('B-tree', 0)
  const foundType = header.u8()
  const nodeBytes = header.u32()
  const recordBytes = header.u16()
  const depth = header.u16()
  header.skip(2)
  const root = header.address()
  const rootRecords = header.u16()
  if (foundType !== type) {
    throw reader.invalid('a tree is of another kind', { expected: `type ${type}`, received: `type ${foundType}` })
  }
  if (recordBytes === 0 || nodeBytes < NODE_OVERHEAD + recordBytes || depth > MAX_DEPTH) {
    throw reader.invalid('a tree has impossible sizes')
  }
  if (root === undefined || rootRecords === 0) return
  const leafRecords = Math.floor((nodeBytes - NODE_OVERHEAD) / recordBytes)
  const countWidth = bytesToHold(leafRecords)
  const levels: Level[] = [{ totalWidth: 0, total: leafRecords }]
  for (let i = 1; i <= depth; i++) {
    const below = levels[i - 1] as Level
    const pointerBytes = offsetSize + countWidth + below.totalWidth
    const records = Math.floor((nodeBytes - NODE_OVERHEAD - pointerBytes) / (recordBytes + pointerBytes))
    const total = (records + 1) * below.total + records
    if (records < 1 || total > Number.MAX_SAFE_INTEGER) throw reader.invalid('a tree has impossible sizes')
    levels.push({ totalWidth: bytesToHold(total), total })
  }
  const tree: Tree = { reader, type, recordBytes, countWidth, levels, visited: new VisitedPlaces() }
  yield* walkNode(tree, root, rootRecords, depth)
}

async function* walkNode(tree: Tree, address: number, count: number, level: number): AsyncGenerator<Uint8Array> {
  const { reader, type, recordBytes, countWidth } = tree
  tree.visited.enter(reader, address)
  const totalWidth = level > 0 ? (tree.levels[level - 1] as Level).totalWidth : 0
  const pointerBytes = level > 0 ? reader.format.offsetSize + countWidth + totalWidth : 0
  const length = NODE_OVERHEAD + count * recordBytes + (count + 1) * pointerBytes
  const cursor = await reader.checked(address, length, level > 0 ? 'BTIN' : 'BTLF')
  cursor.version('B-tree node', 0)
  if (cursor.u8() !== type) throw reader.invalid('a tree node is of another kind')
  const records = Array.from({ length: count }, () => cursor.take(recordBytes))
  if (level === 0) {
    yield* records
    return
  }
  for (let i = 0; i <= count; i++) {
    const child = cursor.requiredAddress()
    const childRecords = cursor.uint(countWidth)
    cursor.skip(totalWidth)
    yield* walkNode(tree, child, childRecords, level - 1)
    if (i < count) yield records[i] as Uint8Array
  }
}
