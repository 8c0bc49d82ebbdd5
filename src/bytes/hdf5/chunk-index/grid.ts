import type { H5Reader } from '../reader.ts'

/** How a dataset is cut into chunks. */
export interface ChunkGrid {
  readonly shape: readonly number[]
  /** What the dataset may grow to: places in the array-like indexes are counted in it. */
  readonly maxShape: readonly number[]
  /** Elements of a chunk along each dimension. */
  readonly chunk: readonly number[]
  /** Bytes of a chunk without filters. */
  readonly chunkBytes: number
  readonly filtered: boolean
}

export interface StoredChunk {
  /** The chunk's first element. */
  readonly origin: readonly number[]
  readonly address: number
  readonly storedBytes: number
  /** A bit for each filter that was left out. */
  readonly filterMask: number
}

/** A walk over the chunks that an index knows. */
export type ChunkWalker = (reader: H5Reader, grid: ChunkGrid, address: number) => AsyncGenerator<StoredChunk>

/** Turns the number of a chunk, counted in row-major order of the largest shape, into its first element. */
export interface Numbering {
  /** Chunks of the largest shape; Infinity where it has no limit. */
  readonly count: number
  origin(index: number): number[]
}

/**
 * @param first the dimension that changes slowest: the unlimited one of an extensible array, else 0
 */
export function numberChunks({ chunk, maxShape }: ChunkGrid, first = 0): Numbering {
  const order = [first, ...chunk.keys()].filter((dim, i) => i === 0 || dim !== first)
  const counts = chunk.map((size, dim) => Math.ceil((maxShape[dim] as number) / size))
  const count = counts.reduce((product, dim) => product * dim, 1)
  return {
    count,
    origin(index) {
      const origin = chunk.map(() => 0)
      let rest = index
      for (let i = order.length - 1; i >= 0; i--) {
        const dim = order[i] as number
        // the slowest dimension takes what is left
        const along = i === 0 ? rest : rest % (counts[dim] as number)
        rest = i === 0 ? 0 : Math.floor(rest / (counts[dim] as number))
        origin[dim] = along * (chunk[dim] as number)
      }
      return origin
    },
  }
}

/** Whether any element of the chunk is inside the dataset's present shape. */
export function isInside({ shape }: ChunkGrid, origin: readonly number[]): boolean {
  return origin.every((start, dim) => start < (shape[dim] as number))
}
