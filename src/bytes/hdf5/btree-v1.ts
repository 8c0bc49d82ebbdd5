import { type H5Reader, VisitedPlaces } from './reader.ts'

export const GROUP_TREE = 0
export const CHUNK_TREE = 1

/** What the walk of one tree carries along. */
interface Walk {
  readonly reader: H5Reader
  readonly type: number
  readonly keyBytes: number
  readonly visited: VisitedPlaces
}

/** A leaf entry: the key before the child, and the child's address. */
export interface TreeEntry {
  readonly key: Uint8Array
  readonly child: number
}

/** The entries of a version 1 B-tree in key order. */
export function walkTree(reader: H5Reader, root: number, type: number, keyBytes: number): AsyncGenerator<TreeEntry> {
  return walkNode({ reader, type, keyBytes, visited: new VisitedPlaces() }, root, undefined)
}

async function* walkNode(walk: Walk, address: number, expectedLevel: number | undefined): AsyncGenerator<TreeEntry> {
  const { reader, type, keyBytes, visited } = walk
  visited.enter(reader, address)
  const { offsetSize } = reader.format
  const prefixBytes = 8 + 2 * offsetSize
  const prefix = (await reader.cursor(address, prefixBytes)).signature('TREE')
  const foundType = prefix.u8()
  const level = prefix.u8()
  const count = prefix.u16()
  if (foundType !== type || (expectedLevel !== undefined && level !== expectedLevel)) {
    throw reader.invalid('a tree node is of another kind', {
      expected: `type ${type}, level ${expectedLevel ?? 'any'}`,
      received: `type ${foundType}, level ${level}`,
    })
  }
  const entries = await reader.cursor(address + prefixBytes, count * (keyBytes + offsetSize))
  for (let i = 0; i < count; i++) {
    const key = entries.take(keyBytes)
    const child = entries.requiredAddress()
    if (level === 0) yield { key, child }
    else yield* walkNode(walk, child, level - 1)
  }
}
