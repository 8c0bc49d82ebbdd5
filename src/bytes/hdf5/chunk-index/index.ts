import type { ChunkedLayout, ChunkIndexKind } from '../layout.ts'
import type { H5Reader } from '../reader.ts'
import { extensibleArrayChunks } from './extensible-array.ts'
import { fixedArrayChunks } from './fixed-array.ts'
import type { ChunkGrid, ChunkWalker, StoredChunk } from './grid.ts'
import { implicitChunks } from './implicit.ts'
import { treeV1Chunks } from './tree-v1.ts'
import { treeV2Chunks } from './tree-v2.ts'

export type { ChunkGrid, StoredChunk } from './grid.ts'

const WALKERS: { readonly [K in Exclude<ChunkIndexKind, 'single'>]: ChunkWalker } = {
  'tree-v1': treeV1Chunks,
  implicit: implicitChunks,
  'fixed-array': fixedArrayChunks,
  'extensible-array': extensibleArrayChunks,
  'tree-v2': treeV2Chunks,
}

/** Every written chunk of a dataset, in the order of its index. */
export async function* walkChunks(
  reader: H5Reader,
  layout: ChunkedLayout,
  grid: ChunkGrid,
): AsyncGenerator<StoredChunk> {
  const { address, index, single } = layout
  if (address === undefined) return
  if (index !== 'single') {
    yield* WALKERS[index](reader, grid, address)
    return
  }
  const origin = grid.chunk.map(() => 0)
  yield { origin, address, storedBytes: single?.storedBytes ?? grid.chunkBytes, filterMask: single?.filterMask ?? 0 }
}
