import { openPath } from '#platform'
import { RekindleError } from '../errors.ts'
import { checkBounds, checkRange } from '../platform/range.ts'
import { LIMITS } from './limits.ts'
import { memorySource } from './memory-source.ts'
import { urlSource } from './url-source.ts'

export { memorySource } from './memory-source.ts'

/**
 * Where bytes come from and go to. Every container reads through a `Source` and every writer writes into a `Sink`,
 * so that a file, a Blob, a URL and memory are the same thing to a format.
 */
export interface Source {
  /** For messages only; never used as a path. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /**
   * Bytes `offset` to `offset + length`; a view where the source is memory.
   * @throws RekindleError `E_TRUNCATED` when the range passes the end.
   */
  read(offset: number, length: number): Promise<Uint8Array>
  close?(): Promise<void>
}

export interface Sink {
  write(chunk: Uint8Array): Promise<void>
}

/** What a user may hand in as a file. A string is a path, or a URL when it says `https:`, `http:`, `file:`, `blob:` or `data:`. */
export type SourceInput = string | Uint8Array | ArrayBuffer | Blob | URL | Source

/**
 * A file on disk. Close it.
 * @throws RekindleError `E_IO_NOT_FOUND`, `E_IO_READ`.
 */
export async function fileSource(path: string): Promise<Source> {
  return openPath(path)
}

/** A Blob or a browser's File, read in ranges. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): Source {
  return {
    name,
    size: blob.size,
    async read(offset, length) {
      checkRange(name, blob.size, offset, length)
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
      } catch (cause) {
        throw new RekindleError('E_IO_READ', 'the file can no longer be read', { where: name, cause })
      }
    },
  }
}

/** A part of a source as a source of its own. Closing it does not close the whole. */
export function sliceSource(whole: Source, offset: number, length: number, name = whole.name): Source {
  checkBounds(name, whole.size, offset, length)
  return {
    name,
    size: length,
    async read(start, count) {
      checkRange(name, length, start, count)
      return whole.read(offset + start, count)
    },
  }
}

const PAGE = 1 << 16
const PAGES_KEPT = 64

/**
 * Keeps the last 64 pages of 64 KiB, for readers that hop through headers. A read longer than a page goes straight to
 * the source. Bytes come back as copies, so that a small piece does not keep its page alive.
 */
export function cachedSource(source: Source): Source {
  const pages = new Map<number, Promise<Uint8Array>>()

  const pageAt = (index: number): Promise<Uint8Array> => {
    const start = index * PAGE
    const page = pages.get(index) ?? source.read(start, Math.min(PAGE, source.size - start))
    // Re-inserting makes it the youngest: a Map keeps the order of insertion.
    pages.delete(index)
    pages.set(index, page)
    page.catch(() => pages.delete(index))
    if (pages.size > PAGES_KEPT) pages.delete(pages.keys().next().value as number)
    return page
  }

  return {
    name: source.name,
    size: source.size,
    async read(offset, length) {
      checkRange(source.name, source.size, offset, length)
      if (length > PAGE) return source.read(offset, length)
      const out = new Uint8Array(length)
      for (let done = 0; done < length; ) {
        const index = Math.floor((offset + done) / PAGE)
        const page = await pageAt(index)
        const start = offset + done - index * PAGE
        const part = page.subarray(start, start + length - done)
        out.set(part, done)
        done += part.length
      }
      return out
    },
    async close() {
      pages.clear()
      await source.close?.()
    },
  }
}

/**
 * The whole source in one array.
 * @throws RekindleError `E_LIMIT` when it is larger than `limit` bytes (default 4 GiB).
 */
export async function readAll(source: Source, limit: number = LIMITS.wholeSource): Promise<Uint8Array> {
  if (source.size > limit) {
    throw new RekindleError('E_LIMIT', 'too large to read whole', {
      where: source.name,
      expected: `at most ${limit} bytes`,
      received: `${source.size} bytes`,
    })
  }
  return source.read(0, source.size)
}

const URL_SCHEME = /^(https?|file|blob|data):/

/**
 * Any input as a source; small reads of files, Blobs and URLs are cached. Only for what the user names: a name out of
 * a file must never come here.
 * @param name for messages; by default the path, the URL or the File's own name.
 */
export async function toSource(input: SourceInput, name?: string): Promise<Source> {
  if (typeof input === 'string')
    return URL_SCHEME.test(input) ? fromUrl(new URL(input)) : cachedSource(await openPath(input))
  if (input instanceof Uint8Array) return memorySource(input, name)
  if (input instanceof ArrayBuffer) return memorySource(new Uint8Array(input), name)
  if (input instanceof URL) return fromUrl(input)
  if (input instanceof Blob) return cachedSource(blobSource(input, name))
  if (isSource(input)) return input
  throw new RekindleError('E_INVALID_ARGUMENT', 'not a file', {
    expected: 'a path, URL, Blob, Uint8Array, ArrayBuffer or Source',
    received: typeof input,
  })
}

function isSource(input: unknown): input is Source {
  return typeof input === 'object' && input !== null && 'read' in input && 'size' in input
}

async function fromUrl(url: URL): Promise<Source> {
  if (url.protocol !== 'file:') return cachedSource(await urlSource(url))
  const path = decodeURIComponent(url.pathname)
  return cachedSource(await openPath(/^\/[A-Za-z]:/.test(path) ? path.slice(1) : path))
}
