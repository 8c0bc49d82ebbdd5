import { inflateZlib } from '#platform'
import { RekindleError } from '../../errors.ts'
import { fletcher32 } from './checksum.ts'
import type { Cursor } from './cursor.ts'
import type { H5Reader } from './reader.ts'

export interface Filter {
  readonly id: number
  readonly parameters: readonly number[]
}

/** What undoing a filter is told about the chunk. */
interface FilterContext {
  readonly reader: H5Reader
  readonly parameters: readonly number[]
  readonly elementBytes: number
  /** Bytes that come out; NaN where that depends on an earlier compression. */
  readonly expected: number
}

interface FilterRecord {
  /** Bytes that the filter adds to what it is given; undefined when that depends on the data. */
  readonly adds: number | undefined
  undo(bytes: Uint8Array, context: FilterContext): Uint8Array | Promise<Uint8Array>
}

const FILTERS: { readonly [id: number]: FilterRecord } = {
  1: { adds: undefined, undo: inflate },
  2: { adds: 0, undo: unshuffle },
  3: { adds: 4, undo: verifyFletcher },
}

/** For messages: filters that files use and that we lack. */
const KNOWN_NAMES: { readonly [id: number]: string } = {
  4: 'szip',
  5: 'nbit',
  6: 'scaleoffset',
  32000: 'lzf',
  32001: 'blosc',
  32004: 'lz4',
  32008: 'bitshuffle',
  32013: 'zfp',
  32015: 'zstd',
  32026: 'blosc2',
}

const MAX_FILTERS = 32

export function parseFilters(cursor: Cursor): Filter[] {
  const version = cursor.u8()
  if (version !== 1 && version !== 2) throw cursor.unsupported(`filter pipeline version ${version}`)
  const count = cursor.u8()
  if (count > MAX_FILTERS) throw cursor.invalid('too many filters', { received: `${count}` })
  if (version === 1) cursor.skip(6)
  return Array.from({ length: count }, () => {
    const id = cursor.u16()
    const nameBytes = version === 1 || id >= 256 ? cursor.u16() : 0
    cursor.skip(2)
    const parameterCount = cursor.u16()
    cursor.skip(nameBytes)
    const parameters = Array.from({ length: parameterCount }, () => cursor.u32())
    // version 1 keeps the next filter on a multiple of 8 bytes
    if (version === 1 && parameterCount % 2 === 1 && cursor.remaining > 0) cursor.skip(4)
    return { id, parameters }
  })
}

/** @throws RekindleError `E_UNSUPPORTED_HDF5` that names the first filter that we lack. */
export function checkFilters(reader: H5Reader, filters: readonly Filter[]): void {
  for (const { id } of filters) {
    if (!Object.hasOwn(FILTERS, id))
      throw reader.unsupported(`compression by filter ${id} (${KNOWN_NAMES[id] ?? 'unknown'})`)
  }
}

/**
 * A chunk as it was before its filters.
 *
 * @param mask a bit for each filter that was left out
 * @param chunkBytes the chunk's exact size
 */
export async function undoFilters(
  reader: H5Reader,
  filters: readonly Filter[],
  mask: number,
  stored: Uint8Array,
  chunkBytes: number,
  elementBytes: number,
): Promise<Uint8Array> {
  const used = filters.filter((_, i) => !((mask >>> i) & 1))
  // what goes into each filter, where it can be known beforehand
  const sizes = [chunkBytes]
  for (const { id } of used) {
    const adds = (FILTERS[id] as FilterRecord).adds
    sizes.push(adds === undefined ? Number.NaN : (sizes.at(-1) as number) + adds)
  }
  let bytes = stored
  for (let i = used.length - 1; i >= 0; i--) {
    const { id, parameters } = used[i] as Filter
    const expected = sizes[i] as number
    bytes = await (FILTERS[id] as FilterRecord).undo(bytes, { reader, parameters, elementBytes, expected })
  }
  if (bytes.length !== chunkBytes) {
    throw reader.invalid('a chunk has another size', { expected: `${chunkBytes} bytes`, received: `${bytes.length}` })
  }
  return bytes
}

async function inflate(bytes: Uint8Array, { reader, expected }: FilterContext): Promise<Uint8Array> {
  if (Number.isNaN(expected)) throw reader.unsupported('a chunk that is compressed twice')
  try {
    return await inflateZlib(bytes, expected)
  } catch (cause) {
    const received = cause instanceof RekindleError ? cause.message : 'no zlib stream'
    throw reader.invalid('a compressed chunk is broken', { expected: `${expected} bytes`, received, cause })
  }
}

/** Shuffle keeps all first bytes of the elements together, then all second ones …; a rest stays at the end. */
function unshuffle(bytes: Uint8Array, { parameters, elementBytes }: FilterContext): Uint8Array {
  const width = parameters[0] ?? elementBytes
  const count = Math.floor(bytes.length / width)
  if (width <= 1 || count <= 1) return bytes
  const out = new Uint8Array(bytes.length)
  if (width % 4 === 0) unshuffleWords(bytes, new Uint32Array(out.buffer, 0, Math.floor(out.length / 4)), width, count)
  else {
    for (let byte = 0; byte < width; byte++) {
      const start = byte * count
      for (let i = 0, target = byte; i < count; i++, target += width) out[target] = bytes[start + i] as number
    }
  }
  out.set(bytes.subarray(count * width), count * width)
  return out
}

/** The same with one write for every four bytes. */
function unshuffleWords(bytes: Uint8Array, words: Uint32Array, width: number, count: number): void {
  const step = width / 4
  for (let word = 0; word < step; word++) {
    const first = 4 * word * count
    const second = first + count
    const third = second + count
    const fourth = third + count
    for (let i = 0, target = word; i < count; i++, target += step) {
      const low = (bytes[first + i] as number) | ((bytes[second + i] as number) << 8)
      words[target] = low | ((bytes[third + i] as number) << 16) | ((bytes[fourth + i] as number) << 24)
    }
  }
}

function verifyFletcher(bytes: Uint8Array, { reader }: FilterContext): Uint8Array {
  const length = bytes.length - 4
  if (length < 0) throw reader.invalid('a chunk is shorter than its checksum')
  const data = bytes.subarray(0, length)
  const stored = reader.over(bytes.subarray(length)).u32()
  const sum = fletcher32(data)
  // libraries before 1.6.3 wrote the bytes of each half in the other order
  const swapped = (((sum & 0x00ff00ff) << 8) | ((sum >>> 8) & 0x00ff00ff)) >>> 0
  if (stored !== sum && stored !== swapped) throw reader.invalid('the checksum of a chunk is wrong')
  return data
}
