import { crc32 } from '#platform'
import { RekindleError } from '../../errors.ts'
import { pathTrick } from './names.ts'
import {
  CENTRAL,
  DESCRIPTOR,
  END,
  EXTRA,
  EXTRA_ID,
  FLAG,
  IN_ZIP64_16,
  IN_ZIP64_32,
  LOCAL,
  METHOD,
  SIGNATURE,
  ZIP64_DESCRIPTOR,
  ZIP64_END,
  ZIP64_LOCATOR,
} from './records.ts'
import type { PlannedFile, ZipInput } from './types.ts'

/** Every entry's data begins on a multiple of this, so that tensors inside can be used where they lie. */
const ALIGNMENT = 64
/** 1 January 1980, 00:00: the same model gives the same bytes. */
const FIXED_DATE = 0x0021
const FIXED_TIME = 0
const VERSION = { plain: 20, zip64: 45 } as const
const MADE_BY_UNIX = 3 << 8
/** A regular file, readable by all (`-rw-r--r--`), where Unix keeps its mode. */
const REGULAR_FILE = 0o100644 * 2 ** 16

const UTF8 = new TextEncoder()

interface PlannedEntry {
  readonly input: ZipInput
  readonly name: Uint8Array
  readonly size: number
  /** Known at once for bytes; streamed entries get theirs behind the data. */
  readonly crc: number | undefined
  readonly flags: number
  readonly offset: number
  readonly zip64: boolean
  readonly header: Uint8Array
}

/**
 * A zip archive of stored entries, in the given order: all sizes are planned first, the bytes follow as they are made.
 * Data is aligned to 64 bytes, dates are 1980-01-01, zip64 is used only where a size demands it.
 * @throws RekindleError `E_UNSAFE_PATH` or `E_INVALID_ARGUMENT` for names that no archive should hold.
 */
export function planZip(inputs: readonly ZipInput[]): PlannedFile {
  const entries: PlannedEntry[] = []
  const seen = new Set<string>()
  let offset = 0
  for (const input of inputs) {
    checkName(input.name, seen)
    const entry = planEntry(input, offset)
    entries.push(entry)
    offset += entry.header.length + entry.size + descriptorSize(entry)
  }
  const directoryOffset = offset
  const directorySize = entries.reduce(
    (sum, entry) => sum + CENTRAL.size + entry.name.length + centralExtra(entry).length,
    0,
  )
  const end = encodeEnd(entries.length, directorySize, directoryOffset)
  return {
    size: directoryOffset + directorySize + end.length,
    async *chunks() {
      const crcs: number[] = []
      for (const entry of entries) {
        yield entry.header
        const crc = yield* copyData(entry)
        crcs.push(crc)
        if (descriptorSize(entry) > 0) yield encodeDescriptor(entry, crc)
      }
      for (const [i, entry] of entries.entries()) yield encodeCentral(entry, crcs[i] as number)
      yield end
    },
  }
}

function checkName(name: string, seen: Set<string>): void {
  const trick = pathTrick(name)
  if (trick)
    throw new RekindleError('E_UNSAFE_PATH', `a zip entry's name must not hold ${trick}`, {
      where: JSON.stringify(name),
    })
  if (seen.has(name)) throw new RekindleError('E_INVALID_ARGUMENT', 'two zip entries of the same name', { where: name })
  seen.add(name)
}

function planEntry(input: ZipInput, offset: number): PlannedEntry {
  const name = UTF8.encode(input.name)
  if (name.length > 0xffff) throw new RekindleError('E_INVALID_ARGUMENT', 'the name of a zip entry is too long')
  const known = 'bytes' in input
  const size = known ? input.bytes.length : input.size
  const crc = known ? crc32(input.bytes) : undefined
  const ascii = name.length === input.name.length
  const flags = (known ? 0 : FLAG.descriptor) | (ascii ? 0 : FLAG.utf8)
  const zip64 = size >= IN_ZIP64_32
  // In a local header the zip64 field must hold both sizes; with a descriptor they are still unknown.
  const sizes = zip64 ? encodeZip64(known ? [size, size] : [0, 0]) : new Uint8Array(0)
  const padding = encodePadding(offset + LOCAL.size + name.length + sizes.length)
  const stated = known ? size : 0
  const local = LOCAL.write({
    signature: SIGNATURE.local,
    versionNeeded: zip64 ? VERSION.zip64 : VERSION.plain,
    flags,
    method: METHOD.stored,
    time: FIXED_TIME,
    date: FIXED_DATE,
    crc: crc ?? 0,
    compressedSize: zip64 ? IN_ZIP64_32 : stated,
    size: zip64 ? IN_ZIP64_32 : stated,
    nameLength: name.length,
    extraLength: sizes.length + padding.length,
  })
  return { input, name, size, crc, flags, offset, zip64, header: concatenate(local, name, sizes, padding) }
}

function encodeExtra(id: number, body: Uint8Array): Uint8Array {
  return concatenate(EXTRA.write({ id, length: body.length }), body)
}

function encodeZip64(values: readonly number[]): Uint8Array {
  return encodeExtra(EXTRA_ID.zip64, new Uint8Array(BigUint64Array.from(values, BigInt).buffer))
}

/** An extra field that moves the data from `end` to the next multiple of the alignment; nothing when it is there. */
function encodePadding(end: number): Uint8Array {
  let missing = (ALIGNMENT - (end % ALIGNMENT)) % ALIGNMENT
  if (missing === 0) return new Uint8Array(0)
  // The field itself takes four bytes and states the alignment in two more.
  if (missing < EXTRA.size + 2) missing += ALIGNMENT
  const body = new Uint8Array(missing - EXTRA.size)
  body[0] = ALIGNMENT
  return encodeExtra(EXTRA_ID.alignment, body)
}

/** The entry's bytes; returns their checksum. */
async function* copyData({ input, size, crc }: PlannedEntry): AsyncGenerator<Uint8Array, number> {
  if ('bytes' in input) {
    yield input.bytes
    return crc as number
  }
  let sum = 0
  let length = 0
  for await (const chunk of input.chunks()) {
    sum = crc32(chunk, sum)
    length += chunk.length
    if (length > size) break
    yield chunk
  }
  if (length === size) return sum
  throw new RekindleError('E_INVALID_STATE', 'a zip entry does not have the size it was planned with', {
    where: input.name,
    expected: `${size} bytes`,
    received: `${length} bytes`,
  })
}

function descriptorSize({ crc, zip64 }: PlannedEntry): number {
  if (crc !== undefined) return 0
  return zip64 ? ZIP64_DESCRIPTOR.size : DESCRIPTOR.size
}

function encodeDescriptor({ size, zip64 }: PlannedEntry, crc: number): Uint8Array {
  const layout = zip64 ? ZIP64_DESCRIPTOR : DESCRIPTOR
  return layout.write({ signature: SIGNATURE.descriptor, crc, compressedSize: size, size })
}

function centralExtra({ zip64, size, offset }: PlannedEntry): Uint8Array {
  const values = [...(zip64 ? [size, size] : []), ...(offset >= IN_ZIP64_32 ? [offset] : [])]
  return values.length === 0 ? new Uint8Array(0) : encodeZip64(values)
}

function encodeCentral(entry: PlannedEntry, crc: number): Uint8Array {
  const extra = centralExtra(entry)
  const version = extra.length > 0 ? VERSION.zip64 : VERSION.plain
  const header = CENTRAL.write({
    signature: SIGNATURE.central,
    versionMadeBy: MADE_BY_UNIX | version,
    versionNeeded: version,
    flags: entry.flags,
    method: METHOD.stored,
    time: FIXED_TIME,
    date: FIXED_DATE,
    crc,
    compressedSize: Math.min(entry.size, IN_ZIP64_32),
    size: Math.min(entry.size, IN_ZIP64_32),
    nameLength: entry.name.length,
    extraLength: extra.length,
    commentLength: 0,
    disk: 0,
    internalAttributes: 0,
    externalAttributes: REGULAR_FILE,
    offset: Math.min(entry.offset, IN_ZIP64_32),
  })
  return concatenate(header, entry.name, extra)
}

function encodeEnd(entries: number, directorySize: number, directoryOffset: number): Uint8Array {
  const disks = { disk: 0, directoryDisk: 0 }
  const end = END.write({
    ...disks,
    signature: SIGNATURE.end,
    diskEntries: Math.min(entries, IN_ZIP64_16),
    entries: Math.min(entries, IN_ZIP64_16),
    directorySize: Math.min(directorySize, IN_ZIP64_32),
    directoryOffset: Math.min(directoryOffset, IN_ZIP64_32),
    commentLength: 0,
  })
  if (entries < IN_ZIP64_16 && directorySize < IN_ZIP64_32 && directoryOffset < IN_ZIP64_32) return end
  const zip64End = ZIP64_END.write({
    ...disks,
    signature: SIGNATURE.zip64End,
    // Counted without the signature and this field itself.
    recordSize: ZIP64_END.size - 12,
    versionMadeBy: MADE_BY_UNIX | VERSION.zip64,
    versionNeeded: VERSION.zip64,
    diskEntries: entries,
    entries,
    directorySize,
    directoryOffset,
  })
  const endOffset = directoryOffset + directorySize
  const locator = ZIP64_LOCATOR.write({ signature: SIGNATURE.zip64Locator, endDisk: 0, endOffset, disks: 1 })
  return concatenate(zip64End, locator, end)
}

function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
