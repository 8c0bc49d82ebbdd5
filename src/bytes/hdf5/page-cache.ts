import type { Source } from '../source.ts'

const PAGE_BYTES = 64 * 1024
const PAGES_KEPT = 128

/** Structure is small and scattered: it is read in pages that are kept for a while. */
export class PageCache {
  readonly #source: Source
  /** Least recently used first. */
  readonly #pages = new Map<number, Promise<Uint8Array>>()

  constructor(source: Source) {
    this.#source = source
  }

  /** `length` bytes from `offset`; the caller has checked that they lie inside the source. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const first = Math.floor(offset / PAGE_BYTES)
    const last = Math.floor((offset + Math.max(length, 1) - 1) / PAGE_BYTES)
    const start = offset - first * PAGE_BYTES
    if (first === last) return (await this.#page(first)).subarray(start, start + length)
    if (last - first > 1) return this.#source.read(offset, length)
    const [head, tail] = await Promise.all([this.#page(first), this.#page(last)])
    const joined = new Uint8Array(length)
    joined.set(head.subarray(start))
    joined.set(tail.subarray(0, length - (head.length - start)), head.length - start)
    return joined
  }

  #page(index: number): Promise<Uint8Array> {
    const kept = this.#pages.get(index)
    this.#pages.delete(index)
    const page = kept ?? this.#load(index)
    this.#pages.set(index, page)
    return page
  }

  #load(index: number): Promise<Uint8Array> {
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size < PAGES_KEPT) break
      this.#pages.delete(oldest)
    }
    const offset = index * PAGE_BYTES
    const page = this.#source.read(offset, Math.min(PAGE_BYTES, this.#source.size - offset))
    // a failed read is not kept: it may succeed the next time
    page.catch(() => this.#pages.delete(index))
    return page
  }
}
