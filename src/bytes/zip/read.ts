import { crc32, inflateRaw } from '#platform'
import { RekindleError, throwIfAborted } from '../../errors.ts'
import { LIMITS, type Limits } from '../limits.ts'
import { memorySource, type Source, sliceSource } from '../source.ts'
import { type DirectoryEntry, invalidZip, readDirectory, resolveZip64 } from './directory.ts'
import { pathTrick } from './names.ts'
import { ENCRYPTED, FLAG, LOCAL, METHOD, OTHER_METHODS, SIGNATURE } from './records.ts'
import type { ZipArchive, ZipEntry } from './types.ts'

/** True when a file begins like a zip archive (an empty one included). */
export function isZip(head: Uint8Array): boolean {
  if (head.length < 4) return false
  const signature = new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true)
  return signature === SIGNATURE.local || signature === SIGNATURE.end
}

/**
 * Opens a zip archive: only its central directory is read. Stored and deflated entries, zip64, data descriptors.
 * @throws RekindleError `E_INVALID_ZIP` for a damaged or contradictory archive (a name twice, overlapping entries);
 * `E_UNSUPPORTED_ZIP` for several parts; `E_LIMIT`.
 */
export async function openZip(source: Source, limits: Partial<Limits> = {}): Promise<ZipArchive> {
  const budget = { ...LIMITS, ...limits }
  const directory = await readDirectory(source, budget)
  const inflated = directory.reduce((sum, entry) => (entry.method === METHOD.deflated ? sum + entry.size : sum), 0)
  const allowed = Math.max(budget.inflateFloor, budget.inflateRatio * source.size)
  const bomb =
    inflated > allowed
      ? new RekindleError('E_LIMIT', 'the archive unpacks to too much', {
          where: source.name,
          expected: `at most ${allowed} bytes`,
          received: `${inflated} bytes`,
        })
      : null
  const entries = new Map<string, ZipEntry>()
  for (const entry of directory) {
    const refusal = refusalOf(entry, source.name) ?? (entry.method === METHOD.deflated ? bomb : null)
    entries.set(entry.name, makeEntry(source, entry, refusal))
  }
  return { entries }
}

function refusalOf(
  { name, flags, method, size, compressedSize }: DirectoryEntry,
  archive: string,
): RekindleError | null {
  const where = `${archive}/${name}`
  const trick = pathTrick(name)
  if (trick)
    return new RekindleError('E_UNSAFE_PATH', `the zip entry's name holds ${trick}`, { where: JSON.stringify(where) })
  if (flags & ENCRYPTED) {
    return new RekindleError('E_UNSUPPORTED_ZIP', 'the entry is encrypted', {
      where,
      hint: 'unpack it with its password first',
    })
  }
  if (flags & FLAG.patched) return new RekindleError('E_UNSUPPORTED_ZIP', 'the entry is a patch', { where })
  if (method !== METHOD.stored && method !== METHOD.deflated) {
    return new RekindleError('E_UNSUPPORTED_ZIP', 'the compression method', {
      where,
      expected: 'stored or deflated',
      received: OTHER_METHODS[method] ?? `method ${method}`,
    })
  }
  if (method === METHOD.stored && size !== compressedSize) {
    return invalidZip(where, 'a stored entry has two sizes', `${compressedSize} bytes`, `${size} bytes`)
  }
  return null
}

function makeEntry(source: Source, entry: DirectoryEntry, refusal: RekindleError | null): ZipEntry {
  const where = `${source.name}/${entry.name}`

  const open = async (): Promise<Source> => {
    if (refusal) throw refusal
    const offset = await findData(source, entry, where)
    if (entry.method === METHOD.stored)
      return verifiedWhenWhole(sliceSource(source, offset, entry.size, where), entry.crc)
    const compressed = await source.read(offset, entry.compressedSize)
    const bytes = await inflateRaw(compressed, entry.size)
    checkCrc(crc32(bytes), entry.crc, where)
    return memorySource(bytes, where)
  }

  return {
    name: entry.name,
    size: entry.size,
    refusal,
    open,
    async verify(signal) {
      const opened = await open()
      if (entry.method === METHOD.deflated) return
      let crc = 0
      for (let at = 0; at < entry.size; at += VERIFY_STEP) {
        throwIfAborted(signal)
        crc = crc32(await opened.read(at, Math.min(VERIFY_STEP, entry.size - at)), crc)
      }
      checkCrc(crc, entry.crc, where)
    },
  }
}

const VERIFY_STEP = 1 << 23

/** Where the entry's data begins, after its local header was held against the directory. */
async function findData(source: Source, entry: DirectoryEntry, where: string): Promise<number> {
  const header = LOCAL.read(await source.read(entry.offset, LOCAL.size), 0)
  if (header.signature !== SIGNATURE.local) throw invalidZip(where, 'the entry is not where the directory says')
  const variable = await source.read(entry.offset + LOCAL.size, header.nameLength + header.extraLength)
  const name = variable.subarray(0, header.nameLength)
  const extra = variable.subarray(header.nameLength)
  const local = { ...header, ...resolveZip64({ ...header, offset: 0 }, extra, where) }
  const disagreement = (field: string, expected: number, received: number): RekindleError =>
    invalidZip(where, `the entry and the directory disagree on ${field}`, String(expected), String(received))
  if ((header.flags & ENCRYPTED) !== 0) throw disagreement('flags', entry.flags, header.flags)
  if (header.method !== entry.method) throw disagreement('method', entry.method, header.method)
  const writtenBefore = (header.flags & FLAG.descriptor) !== 0
  for (const field of ['crc', 'compressedSize', 'size'] as const) {
    // With a data descriptor the header was written before these were known, as zeros.
    if (writtenBefore && local[field] === 0) continue
    if (local[field] !== entry[field]) throw disagreement(field, entry[field], local[field])
  }
  if (name.length !== entry.nameBytes.length || name.some((byte, i) => byte !== entry.nameBytes[i])) {
    throw invalidZip(where, 'the entry and the directory disagree on the name')
  }
  const offset = entry.offset + LOCAL.size + variable.length
  if (offset + entry.compressedSize > entry.limit) throw invalidZip(where, 'the entry overlaps what follows it')
  return offset
}

function checkCrc(received: number, expected: number, where: string): void {
  if (received === expected) return
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0')
  throw invalidZip(where, 'the data is damaged: its checksum differs', hex(expected), hex(received))
}

function verifiedWhenWhole(source: Source, crc: number): Source {
  return {
    name: source.name,
    size: source.size,
    async read(offset, length) {
      const bytes = await source.read(offset, length)
      if (length === source.size) checkCrc(crc32(bytes), crc, source.name)
      return bytes
    },
  }
}
