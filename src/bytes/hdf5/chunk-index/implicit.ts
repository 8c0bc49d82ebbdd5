import { type ChunkWalker, isInside, numberChunks } from './grid.ts'

/** All chunks one after another, allocated when the dataset was made: the place follows from the number. */
export const implicitChunks: ChunkWalker = async function* (reader, grid, address) {
  const { chunkBytes } = grid
  const numbering = numberChunks(grid)
  if (grid.filtered || !Number.isFinite(numbering.count)) throw reader.invalid('a chunk index does not fit its dataset')
  reader.checkRange(address, numbering.count * chunkBytes)
  for (let index = 0; index < numbering.count; index++) {
    const origin = numbering.origin(index)
    if (isInside(grid, origin))
      yield { origin, address: address + index * chunkBytes, storedBytes: chunkBytes, filterMask: 0 }
  }
}
