import { RekindleError } from '../../errors.ts'
import type { Limits } from '../limits.ts'
import type { Source } from '../source.ts'
import { decodeName } from './names.ts'
import {
  CENTRAL,
  END,
  EXTRA,
  EXTRA_ID,
  IN_ZIP64_16,
  IN_ZIP64_32,
  LOCAL,
  SIGNATURE,
  ZIP64_END,
  ZIP64_LOCATOR,
} from './records.ts'

/** What the central directory says about an entry, zip64 resolved. */
export interface DirectoryEntry {
  readonly name: string
  readonly nameBytes: Uint8Array
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  /** Of the local header. */
  readonly offset: number
  /** Where the next entry or the directory begins: the entry's data must end here at the latest. */
  readonly limit: number
}

export function invalidZip(where: string, message: string, expected?: string, received?: string): RekindleError {
  return new RekindleError('E_INVALID_ZIP', message, {
    where,
    ...(expected === undefined ? {} : { expected }),
    ...(received === undefined ? {} : { received }),
  })
}

/** Reads the central directory and holds it together: one disk, every name once, no two entries on the same bytes. */
export async function readDirectory(source: Source, limits: Limits): Promise<readonly DirectoryEntry[]> {
  const end = await findEnd(source)
  const { name } = source
  if (end.directorySize > limits.zipDirectory) {
    throw new RekindleError('E_LIMIT', 'the list of zip entries is too long', {
      where: name,
      expected: `at most ${limits.zipDirectory} bytes`,
      received: `${end.directorySize} bytes`,
    })
  }
  if (!(end.directoryOffset + end.directorySize <= end.offset)) {
    throw invalidZip(name, 'the list of zip entries passes its end record')
  }
  const bytes = await source.read(end.directoryOffset, end.directorySize)
  const entries = [...parseEntries(bytes, end.entries, name)]
  refuseDuplicates(entries, name)
  return withLimits(entries, end.directoryOffset, name)
}

interface End {
  /** Where the first end record begins. */
  readonly offset: number
  readonly entries: number
  readonly directorySize: number
  readonly directoryOffset: number
}

const LONGEST_COMMENT = 0xffff

async function findEnd(source: Source): Promise<End> {
  const tailLength = Math.min(source.size, END.size + LONGEST_COMMENT + ZIP64_LOCATOR.size)
  const tailOffset = source.size - tailLength
  const tail = await source.read(tailOffset, tailLength)
  for (let at = tail.length - END.size; at >= 0; at--) {
    if (tail[at] !== 0x50 || tail[at + 1] !== 0x4b) continue
    const end = END.read(tail, at)
    if (end.signature !== SIGNATURE.end || at + END.size + end.commentLength > tail.length) continue
    const locatorAt = at - ZIP64_LOCATOR.size
    const locator = locatorAt >= 0 ? ZIP64_LOCATOR.read(tail, locatorAt) : undefined
    const found =
      locator?.signature === SIGNATURE.zip64Locator
        ? await readZip64End(source, end, locator, tailOffset + locatorAt)
        : { ...end, offset: tailOffset + at }
    if (found.disk !== 0 || found.directoryDisk !== 0 || found.diskEntries !== found.entries) {
      throw new RekindleError('E_UNSUPPORTED_ZIP', 'an archive in several parts', { where: source.name })
    }
    return found
  }
  throw invalidZip(source.name, 'no end of a zip archive was found; the file is cut off or something else')
}

type EndFields = ReturnType<typeof END.read>

async function readZip64End(
  source: Source,
  end: EndFields,
  locator: ReturnType<typeof ZIP64_LOCATOR.read>,
  locatorOffset: number,
): Promise<End & Pick<EndFields, 'disk' | 'directoryDisk' | 'diskEntries'>> {
  const { name } = source
  if (locator.endDisk !== 0 || locator.disks > 1) {
    throw new RekindleError('E_UNSUPPORTED_ZIP', 'an archive in several parts', { where: name })
  }
  if (!(locator.endOffset + ZIP64_END.size <= locatorOffset)) {
    throw invalidZip(name, 'the zip64 end record is not where its locator says')
  }
  const zip64 = ZIP64_END.read(await source.read(locator.endOffset, ZIP64_END.size), 0)
  if (zip64.signature !== SIGNATURE.zip64End) {
    throw invalidZip(name, 'the zip64 end record is not where its locator says')
  }
  for (const [field, sentinel] of [
    ['entries', IN_ZIP64_16],
    ['diskEntries', IN_ZIP64_16],
    ['directorySize', IN_ZIP64_32],
    ['directoryOffset', IN_ZIP64_32],
  ] as const) {
    if (end[field] !== sentinel && end[field] !== zip64[field]) {
      throw invalidZip(name, `the two end records disagree on ${field}`, String(zip64[field]), String(end[field]))
    }
  }
  return { ...zip64, offset: locator.endOffset }
}

type UnboundedEntry = Omit<DirectoryEntry, 'limit'>

function* parseEntries(bytes: Uint8Array, count: number, where: string): Generator<UnboundedEntry> {
  if (count * CENTRAL.size > bytes.length) {
    throw invalidZip(where, 'the list of zip entries is too short', `${count} entries`, `${bytes.length} bytes`)
  }
  let at = 0
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw invalidZip(where, 'the list of zip entries is cut off')
    at += length
    return bytes.subarray(at - length, at)
  }
  for (let i = 0; i < count; i++) {
    const header = CENTRAL.read(take(CENTRAL.size), 0)
    if (header.signature !== SIGNATURE.central) throw invalidZip(where, `zip entry ${i} has no header`)
    // The name is copied: a view would keep the whole directory in memory.
    const nameBytes = take(header.nameLength).slice()
    const name = decodeName(nameBytes)
    const extra = take(header.extraLength)
    take(header.commentLength)
    if (header.disk !== 0 && header.disk !== IN_ZIP64_16) {
      throw new RekindleError('E_UNSUPPORTED_ZIP', 'an entry on another part of the archive', {
        where: `${where}/${name}`,
      })
    }
    const { flags, method, crc } = header
    yield { name, nameBytes, flags, method, crc, ...resolveZip64(header, extra, `${where}/${name}`) }
  }
  if (at !== bytes.length) throw invalidZip(where, 'the list of zip entries is longer than its entries')
}

interface Sizes {
  readonly size: number
  readonly compressedSize: number
  readonly offset: number
}

/** The zip64 field holds, in this order, only those values whose own field is full. */
export function resolveZip64(header: Sizes, extra: Uint8Array, where: string): Sizes {
  const resolved = { size: header.size, compressedSize: header.compressedSize, offset: header.offset }
  const full = (['size', 'compressedSize', 'offset'] as const).filter((field) => header[field] === IN_ZIP64_32)
  if (full.length === 0) return resolved
  const values = findExtra(extra, EXTRA_ID.zip64)
  // Without a zip64 field the value is what it says.
  if (values === undefined) return resolved
  if (values.length < 8 * full.length) throw invalidZip(where, 'the zip64 field is too short')
  const view = new DataView(values.buffer, values.byteOffset, values.length)
  full.forEach((field, i) => {
    resolved[field] = Number(view.getBigUint64(8 * i, true))
  })
  return resolved
}

function findExtra(extra: Uint8Array, id: number): Uint8Array | undefined {
  for (let at = 0; at + EXTRA.size <= extra.length; ) {
    const field = EXTRA.read(extra, at)
    at += EXTRA.size
    if (field.id === id) return extra.subarray(at, at + field.length)
    at += field.length
  }
  return undefined
}

function refuseDuplicates(entries: readonly UnboundedEntry[], where: string): void {
  const seen = new Set<string>()
  for (const { name } of entries) {
    if (seen.has(name)) throw invalidZip(where, `the name ${JSON.stringify(name)} occurs twice`)
    seen.add(name)
  }
}

/** Entries that share bytes are the way to a small file that unpacks without end; no honest writer makes them. */
function withLimits(entries: readonly UnboundedEntry[], directoryOffset: number, where: string): DirectoryEntry[] {
  const byOffset = entries.map((_, i) => i).sort((a, b) => offsetOf(entries, a) - offsetOf(entries, b))
  const bounded = new Array<DirectoryEntry>(entries.length)
  byOffset.forEach((index, rank) => {
    const entry = entries[index] as UnboundedEntry
    const next = byOffset[rank + 1]
    const limit = next === undefined ? directoryOffset : offsetOf(entries, next)
    if (!(entry.offset + LOCAL.size + entry.nameBytes.length + entry.compressedSize <= limit)) {
      const other = next === undefined ? 'the list of entries' : JSON.stringify(entries[next]?.name)
      throw invalidZip(`${where}/${entry.name}`, `the entry overlaps ${other}`)
    }
    bounded[index] = { ...entry, limit }
  })
  return bounded
}

function offsetOf(entries: readonly UnboundedEntry[], index: number): number {
  return (entries[index] as UnboundedEntry).offset
}
