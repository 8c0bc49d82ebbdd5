import type { Cursor } from './cursor.ts'

/** How the places of chunks are looked up. */
export type ChunkIndexKind = 'tree-v1' | 'single' | 'implicit' | 'fixed-array' | 'extensible-array' | 'tree-v2'

export interface ChunkedLayout {
  readonly kind: 'chunked'
  readonly index: ChunkIndexKind
  /** Where the index, or the chunk itself, is; undefined before the first write. */
  readonly address: number | undefined
  /** Elements of a chunk along each dimension; the last number is the bytes of an element. */
  readonly chunk: readonly number[]
  /** Chunks that cross the dataset's edge are stored without filters. */
  readonly plainEdges: boolean
  /** Of a single chunk with filters: its size and the filters left out. */
  readonly single: { readonly storedBytes: number; readonly filterMask: number } | undefined
}

export type Layout =
  | { readonly kind: 'compact'; readonly data: Uint8Array }
  | { readonly kind: 'contiguous'; readonly address: number | undefined }
  | ChunkedLayout
  | { readonly kind: 'virtual' }

const COMPACT = 0
const CONTIGUOUS = 1
const CHUNKED = 2
const VIRTUAL = 3

/** Chunk indexes of layout version 4 by their number; 0 is not used there. */
const INDEXES: readonly (ChunkIndexKind | undefined)[] = [
  undefined,
  'single',
  'implicit',
  'fixed-array',
  'extensible-array',
  'tree-v2',
]
/** Bytes of each index's creation parameters; they stand again in the index's own header. */
const INDEX_PARAMETERS: { readonly [K in ChunkIndexKind]: number } = {
  'tree-v1': 0,
  single: 0,
  implicit: 0,
  'fixed-array': 1,
  'extensible-array': 5,
  'tree-v2': 6,
}
const FLAG_PLAIN_EDGES = 0x01
const FLAG_SINGLE_FILTERED = 0x02

export function parseLayout(cursor: Cursor): Layout {
  const version = cursor.u8()
  if (version === 1 || version === 2) return parseOldLayout(cursor)
  if (version !== 3 && version !== 4) throw cursor.unsupported(`data layout version ${version}`)
  const kind = cursor.u8()
  switch (kind) {
    case COMPACT:
      return { kind: 'compact', data: cursor.take(cursor.u16()) }
    case CONTIGUOUS:
      return { kind: 'contiguous', address: cursor.address() }
    case CHUNKED:
      return version === 3 ? parseTreeChunks(cursor) : parseIndexedChunks(cursor)
    case VIRTUAL:
      return { kind: 'virtual' }
    default:
      throw cursor.unsupported(`data layout class ${kind}`)
  }
}

function parseOldLayout(cursor: Cursor): Layout {
  const rank = cursor.u8()
  const kind = cursor.u8()
  cursor.skip(5)
  const address = kind === COMPACT ? undefined : cursor.address()
  const dims = Array.from({ length: rank }, () => cursor.u32())
  switch (kind) {
    case COMPACT:
      return { kind: 'compact', data: cursor.take(cursor.u32()) }
    case CONTIGUOUS:
      return { kind: 'contiguous', address }
    case CHUNKED:
      return { kind: 'chunked', index: 'tree-v1', address, chunk: dims, plainEdges: false, single: undefined }
    default:
      throw cursor.unsupported(`data layout class ${kind}`)
  }
}

function parseTreeChunks(cursor: Cursor): Layout {
  const rank = cursor.u8()
  const address = cursor.address()
  const chunk = Array.from({ length: rank }, () => cursor.u32())
  return { kind: 'chunked', index: 'tree-v1', address, chunk, plainEdges: false, single: undefined }
}

function parseIndexedChunks(cursor: Cursor): Layout {
  const flags = cursor.u8()
  const rank = cursor.u8()
  const width = cursor.u8()
  if (width < 1 || width > 8) throw cursor.invalid('chunk sizes have an impossible width', { received: `${width}` })
  const chunk = Array.from({ length: rank }, () => cursor.uint(width))
  const number = cursor.u8()
  const index = INDEXES[number]
  if (index === undefined) throw cursor.unsupported(`chunk index ${number}`)
  const filteredSingle = index === 'single' && (flags & FLAG_SINGLE_FILTERED) !== 0
  const single = filteredSingle ? { storedBytes: cursor.length(), filterMask: cursor.u32() } : undefined
  cursor.skip(INDEX_PARAMETERS[index])
  const plainEdges = (flags & FLAG_PLAIN_EDGES) !== 0
  return { kind: 'chunked', index, address: cursor.address(), chunk, plainEdges, single }
}
