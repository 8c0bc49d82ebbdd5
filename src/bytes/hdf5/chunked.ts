import { stridesOf } from '../../tensor/index.ts'
import { type ChunkGrid, type StoredChunk, walkChunks } from './chunk-index/index.ts'
import { fillWith } from './fill-value.ts'
import { checkFilters, type Filter, undoFilters } from './filters.ts'
import type { ChunkedLayout } from './layout.ts'
import type { Budget } from './limits.ts'
import type { H5Reader } from './reader.ts'

export interface ChunkedDataset {
  readonly layout: ChunkedLayout
  readonly shape: readonly number[]
  readonly maxShape: readonly number[]
  readonly elementBytes: number
  readonly filters: readonly Filter[]
  readonly fill: Uint8Array | undefined
}

/** All bytes of a chunked dataset; what was never written has the fill value. */
export async function readChunked(
  reader: H5Reader,
  dataset: ChunkedDataset,
  totalBytes: number,
  expansion: Budget,
): Promise<Uint8Array> {
  const { layout, filters, elementBytes } = dataset
  checkFilters(reader, filters)
  const grid = gridOf(reader, dataset)
  expansion.spend(totalBytes, reader.where)
  const out = new Uint8Array(totalBytes)
  fillWith(out, dataset.fill)
  for await (const chunk of walkChunks(reader, layout, grid)) {
    const plain = filters.length === 0 || (layout.plainEdges && crossesEdge(grid, chunk))
    if (plain && chunk.storedBytes !== grid.chunkBytes) {
      throw reader.invalid('a chunk has another size', {
        expected: `${grid.chunkBytes} bytes`,
        received: `${chunk.storedBytes}`,
      })
    }
    expansion.visit(grid.chunkBytes, reader.where)
    expansion.visit(chunk.storedBytes, reader.where)
    reader.checkRange(chunk.address, chunk.storedBytes)
    const stored = await reader.file.source.read(chunk.address, chunk.storedBytes)
    const bytes = plain
      ? stored
      : await undoFilters(reader, filters, chunk.filterMask, stored, grid.chunkBytes, elementBytes)
    copyChunk(out, bytes, grid, chunk.origin, elementBytes)
  }
  return out
}

function gridOf(reader: H5Reader, { layout, shape, maxShape, elementBytes, filters }: ChunkedDataset): ChunkGrid {
  const chunk = layout.chunk.slice(0, -1)
  const chunkBytes = chunk.reduce((product, dim) => product * dim, elementBytes)
  if (
    shape.length === 0 ||
    chunk.length !== shape.length ||
    chunk.includes(0) ||
    layout.chunk.at(-1) !== elementBytes
  ) {
    throw reader.invalid('the chunks do not fit the dataset', {
      expected: `${shape.length} dimensions and elements of ${elementBytes} bytes`,
      received: `[${layout.chunk.join(', ')}]`,
    })
  }
  reader.checkSize('a chunk', chunkBytes)
  return { shape, maxShape, chunk, chunkBytes, filtered: filters.length > 0 }
}

function crossesEdge({ shape, chunk }: ChunkGrid, { origin }: StoredChunk): boolean {
  return origin.some((start, dim) => start + (chunk[dim] as number) > (shape[dim] as number))
}

/** Runs up to this size are copied byte by byte: a call of `set` costs more. */
const SHORT_RUN = 32

/** Copies the part of a chunk that is inside the dataset, in runs of bytes that lie together in both. */
function copyChunk(
  out: Uint8Array,
  bytes: Uint8Array,
  { shape, chunk }: ChunkGrid,
  origin: readonly number[],
  elementBytes: number,
): void {
  const extent = chunk.map((size, dim) => Math.min(size, (shape[dim] as number) - (origin[dim] as number)))
  const chunkStrides = stridesOf(chunk).map((stride) => stride * elementBytes)
  const outStrides = stridesOf(shape).map((stride) => stride * elementBytes)
  let runDim = shape.length - 1
  while (runDim > 0 && extent[runDim] === chunk[runDim] && extent[runDim] === shape[runDim]) runDim--
  const runBytes = (extent[runDim] as number) * (outStrides[runDim] as number)
  const copyFrom = (dim: number, source: number, target: number): void => {
    if (dim < runDim) {
      for (let i = 0; i < (extent[dim] as number); i++) {
        copyFrom(dim + 1, source + i * (chunkStrides[dim] as number), target + i * (outStrides[dim] as number))
      }
    } else if (runBytes > SHORT_RUN) {
      out.set(bytes.subarray(source, source + runBytes), target)
    } else {
      for (let i = 0; i < runBytes; i++) out[target + i] = bytes[source + i] as number
    }
  }
  copyFrom(
    0,
    0,
    origin.reduce((sum, start, dim) => sum + start * (outStrides[dim] as number), 0),
  )
}
