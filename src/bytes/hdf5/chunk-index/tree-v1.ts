import { CHUNK_TREE, walkTree } from '../btree-v1.ts'
import { type ChunkWalker, isInside } from './grid.ts'

/** The classic index: a B-tree whose keys hold size, filter mask and first element. */
export const treeV1Chunks: ChunkWalker = async function* (reader, grid, address) {
  const rank = grid.chunk.length
  for await (const { key, child } of walkTree(reader, address, CHUNK_TREE, 8 + 8 * (rank + 1))) {
    const cursor = reader.over(key)
    const storedBytes = cursor.u32()
    const filterMask = cursor.u32()
    const origin = Array.from({ length: rank }, () => cursor.u64())
    if (origin.some((start, dim) => start % (grid.chunk[dim] as number) !== 0)) {
      throw reader.invalid('a chunk starts between two chunks', { received: `[${origin.join(', ')}]` })
    }
    if (isInside(grid, origin)) yield { origin, address: child, storedBytes, filterMask }
  }
}
