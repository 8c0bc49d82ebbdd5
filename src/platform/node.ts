import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { access, type FileHandle, lstat, open, readlink, realpath, rename, rm, stat, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { RekindleError } from '../errors.ts'
import { checkExpansion, inflateErrors } from './inflate.ts'
import { now, randomSeed } from './portable.ts'
import { checkRange } from './range.ts'
import type { OpenFile, Platform, Produce, TerminalFacts, WriteOptions } from './types.ts'

export { now, randomSeed } from './portable.ts'
export type { OpenFile, Produce, TerminalFacts, WriteOptions } from './types.ts'

/** The operating system's reasons in plain words. */
const REASONS: { readonly [code: string]: string } = {
  EACCES: 'permission denied',
  EBUSY: 'the file is in use',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be too large for this disk',
  EIO: 'the disk reported an error',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is not a directory',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
}

/** One read or write call moves less than 2 GiB. */
const LARGEST_TRANSFER = 2 ** 30
/** Smaller chunks are collected before they are written. */
const WRITE_BUFFER = 1 << 20
const LINKS_TO_FOLLOW = 40

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}

function reasonOf(cause: unknown): string {
  return REASONS[codeOf(cause) ?? ''] ?? (cause instanceof Error ? cause.message : String(cause))
}

function readError(path: string, cause: unknown): RekindleError {
  if (codeOf(cause) === 'ENOENT') return new RekindleError('E_IO_NOT_FOUND', 'no such file', { where: path, cause })
  return new RekindleError('E_IO_READ', `cannot be read: ${reasonOf(cause)}`, { where: path, cause })
}

function writeError(path: string, reason: string, cause?: unknown): RekindleError {
  return new RekindleError('E_IO_WRITE', `cannot be written: ${reason}`, { where: path, cause })
}

export async function openPath(path: string): Promise<OpenFile> {
  let handle: FileHandle
  let size: number
  try {
    // Opening a pipe would wait for its writer, so the kind is looked at first.
    const facts = await stat(path)
    if (facts.isDirectory()) throw new RekindleError('E_IO_READ', 'is a directory, not a file', { where: path })
    if (!facts.isFile()) throw new RekindleError('E_IO_READ', 'is not a regular file', { where: path })
    handle = await open(path, 'r')
    size = (await handle.stat()).size
  } catch (cause) {
    throw cause instanceof RekindleError ? cause : readError(path, cause)
  }
  return {
    name: path,
    size,
    read: (offset, length) => readRange(handle, path, size, offset, length),
    close: () => handle.close(),
  }
}

async function readRange(
  handle: FileHandle,
  path: string,
  size: number,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  checkRange(path, size, offset, length)
  try {
    const out = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const part = Math.min(length - done, LARGEST_TRANSFER)
      const { bytesRead } = await handle.read(out, done, part, offset + done)
      if (bytesRead === 0)
        throw new RekindleError('E_TRUNCATED', 'the file became shorter while it was read', { where: path })
      done += bytesRead
    }
    return out
  } catch (cause) {
    throw cause instanceof RekindleError ? cause : readError(path, cause)
  }
}

/** Where a write really goes: links followed, the kind and the permissions checked. */
interface Target {
  readonly path: string
  readonly existing: Stats | undefined
}

async function ignoreMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw cause
  })
}

/** Follows links by hand, because `realpath` refuses a link whose target is yet to be made. */
async function followLinks(path: string): Promise<string> {
  let current = resolve(path)
  for (let i = 0; i < LINKS_TO_FOLLOW; i++) {
    const facts = await ignoreMissing(lstat(current))
    if (!facts?.isSymbolicLink()) return current
    current = resolve(await realpath(dirname(current)), await readlink(current))
  }
  throw writeError(path, REASONS.ELOOP as string)
}

async function findTarget(path: string, { expectedBytes }: WriteOptions): Promise<Target> {
  try {
    const target = await followLinks(path)
    const folder = dirname(target)
    if (!(await ignoreMissing(stat(folder)))) throw writeError(path, `the folder ${folder} does not exist`)
    const existing = await ignoreMissing(stat(target))
    if (existing?.isDirectory()) throw writeError(path, REASONS.EISDIR as string)
    if (existing) await access(target, constants.W_OK)
    const disk = expectedBytes === undefined ? undefined : await statfs(folder)
    if (disk && expectedBytes !== undefined && disk.bavail * disk.bsize < expectedBytes) {
      throw writeError(
        path,
        `${REASONS.ENOSPC}: ${expectedBytes} bytes are needed, ${disk.bavail * disk.bsize} are free`,
      )
    }
    return { path: target, existing }
  } catch (cause) {
    throw cause instanceof RekindleError ? cause : writeError(path, reasonOf(cause), cause)
  }
}

interface Temporary {
  readonly path: string
  readonly handle: FileHandle
}

/** A new file beside the target, so that renaming stays on one disk. It is never wider open than the file it replaces. */
async function createTemporary(path: string, target: Target): Promise<Temporary> {
  const unique = crypto.randomUUID().slice(0, 13)
  const temporary = join(dirname(target.path), `.${basename(target.path).slice(0, 60)}.${unique}.tmp`)
  const mode = target.existing ? target.existing.mode & 0o777 : 0o666
  try {
    const handle = await open(temporary, 'wx', mode)
    if (target.existing) await handle.chmod(mode)
    return { path: temporary, handle }
  } catch (cause) {
    const reason =
      codeOf(cause) === 'EACCES' ? `no permission to make files in ${dirname(target.path)}` : reasonOf(cause)
    throw writeError(path, reason, cause)
  }
}

async function discard({ path, handle }: Temporary): Promise<void> {
  await handle.close().catch(() => {})
  await rm(path, { force: true })
}

export async function checkWritable(path: string, options: WriteOptions = {}): Promise<void> {
  const target = await findTarget(path, options)
  if (isDevice(target)) return
  await discard(await createTemporary(path, target))
}

export async function writeAtomically(path: string, produce: Produce, options: WriteOptions = {}): Promise<void> {
  const target = await findTarget(path, options)
  if (isDevice(target)) return writeThrough(path, target.path, produce)
  const temporary = await createTemporary(path, target)
  try {
    await fill(path, temporary.handle, produce)
    await guardWrite(path, async () => {
      await temporary.handle.sync()
      await temporary.handle.close()
      await rename(temporary.path, target.path)
    })
  } catch (error) {
    await discard(temporary)
    throw error
  }
  await syncFolder(dirname(target.path))
}

/** `/dev/null`, `/dev/stdout` and pipes are written into; replacing them by a file would break the system. */
function isDevice({ existing }: Target): boolean {
  return existing !== undefined && !existing.isFile()
}

async function writeThrough(path: string, target: string, produce: Produce): Promise<void> {
  const handle = await guardWrite(path, () => open(target, 'w'))
  try {
    await fill(path, handle, produce)
  } finally {
    await handle.close()
  }
}

/** Errors of `produce` pass unchanged; errors of the disk name the path. */
async function fill(path: string, handle: FileHandle, produce: Produce): Promise<void> {
  const buffer = new Uint8Array(WRITE_BUFFER)
  let used = 0
  const flush = async (): Promise<void> => {
    await guardWrite(path, () => writeAll(handle, buffer.subarray(0, used)))
    used = 0
  }
  await produce(async (chunk) => {
    if (used + chunk.length > WRITE_BUFFER) await flush()
    if (chunk.length >= WRITE_BUFFER) return guardWrite(path, () => writeAll(handle, chunk))
    buffer.set(chunk, used)
    used += chunk.length
  })
  await flush()
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, Math.min(chunk.length - done, LARGEST_TRANSFER))
    done += bytesWritten
  }
}

async function guardWrite<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw writeError(path, reasonOf(cause), cause)
  }
}

/** Makes the rename itself survive a power cut, where the system lets a folder be opened (Windows does not). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

const OUTPUT_CHUNK = 1 << 20
/** Below this a thread switch costs more than the work. */
const INFLATE_AT_ONCE = 1 << 16

type Inflate = (bytes: Uint8Array, options: zlib.ZlibOptions) => Promise<Buffer> | Buffer
const inflaters = {
  raw: { later: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflateRaw), atOnce: zlib.inflateRawSync },
  zlib: { later: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflate), atOnce: zlib.inflateSync },
} satisfies { [format: string]: { later: Inflate; atOnce: Inflate } }

async function inflate(format: keyof typeof inflaters, bytes: Uint8Array, expectedLength: number): Promise<Uint8Array> {
  checkExpansion(bytes.length, expectedLength)
  const small = expectedLength <= INFLATE_AT_ONCE && bytes.length <= INFLATE_AT_ONCE
  // The smallest limit that zlib takes is 1, which an empty result does not reach.
  const maxOutputLength = Math.max(1, expectedLength)
  const chunkSize = Math.min(OUTPUT_CHUNK, Math.max(64, expectedLength))
  let out: Uint8Array
  try {
    out = await inflaters[format][small ? 'atOnce' : 'later'](bytes, { maxOutputLength, chunkSize })
  } catch (cause) {
    if (codeOf(cause) === 'ERR_BUFFER_TOO_LARGE') throw inflateErrors.tooLong(expectedLength)
    if (codeOf(cause) === 'Z_BUF_ERROR') throw inflateErrors.tooShort(expectedLength)
    throw inflateErrors.corrupt(cause)
  }
  if (out.length > expectedLength) throw inflateErrors.tooLong(expectedLength)
  if (out.length < expectedLength) throw inflateErrors.tooShort(expectedLength, out.length)
  return new Uint8Array(out.buffer, out.byteOffset, out.length)
}

export async function inflateRaw(bytes: Uint8Array, expectedLength: number): Promise<Uint8Array> {
  return inflate('raw', bytes, expectedLength)
}

export async function inflateZlib(bytes: Uint8Array, expectedLength: number): Promise<Uint8Array> {
  return inflate('zlib', bytes, expectedLength)
}

export function crc32(bytes: Uint8Array, seed = 0): number {
  // Node 20 forgets the seed where an empty array has no memory at all.
  return bytes.length === 0 ? seed : zlib.crc32(bytes, seed)
}

export function coreCount(): number {
  return availableParallelism()
}

export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export function terminal(stream: 'stdout' | 'stderr'): TerminalFacts {
  const output = process[stream]
  if (!output.isTTY) return { isTTY: false, columns: 80, color: false }
  return { isTTY: true, columns: output.columns || 80, color: output.hasColors() }
}

export function writeText(stream: 'stdout' | 'stderr', text: string): void {
  process[stream].write(text)
}

export default {
  openPath,
  writeAtomically,
  checkWritable,
  inflateRaw,
  inflateZlib,
  crc32,
  now,
  coreCount,
  randomSeed,
  yieldToEventLoop,
  terminal,
  writeText,
} satisfies Platform
