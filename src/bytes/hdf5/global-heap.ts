import type { H5Reader } from './reader.ts'

const CACHED_BYTES = 32 * 2 ** 20

type Collection = ReadonlyMap<number, Uint8Array>

/** Where texts of variable length live: collections of numbered objects. */
export class GlobalHeap {
  /** Oldest first. */
  readonly #collections = new Map<number, { readonly objects: Collection; readonly size: number }>()
  #cachedBytes = 0

  /** The object `index` of the collection at `address`. */
  async read(reader: H5Reader, address: number, index: number): Promise<Uint8Array> {
    const collection = this.#collections.get(address)?.objects ?? (await this.#load(reader, address))
    const object = collection.get(index)
    if (object === undefined) throw reader.invalid('a text is not in its heap', { received: `object ${index}` })
    return object
  }

  async #load(reader: H5Reader, address: number): Promise<Collection> {
    // both headers are padded to 8 bytes
    const headerBytes = Math.ceil((8 + reader.format.lengthSize) / 8) * 8
    const header = (await reader.cursor(address, headerBytes)).signature('GCOL').version('global heap', 1).skip(3)
    const size = header.length()
    if (size < headerBytes) throw reader.invalid('a heap is smaller than its header', { received: `${size} bytes` })
    const cursor = await reader.cursor(address, size)
    cursor.skip(headerBytes)
    const objects = new Map<number, Uint8Array>()
    while (cursor.remaining >= headerBytes) {
      const index = cursor.u16()
      cursor.skip(6)
      const length = cursor.length()
      cursor.skip(headerBytes - 8 - reader.format.lengthSize)
      // object 0 is the free space at the end
      if (index === 0) break
      objects.set(index, cursor.take(length))
      cursor.skip(Math.min((8 - (length % 8)) % 8, cursor.remaining))
    }
    this.#keep(address, objects, size)
    return objects
  }

  #keep(address: number, objects: Collection, size: number): void {
    this.#collections.set(address, { objects, size })
    this.#cachedBytes += size
    for (const [oldest, { size }] of this.#collections) {
      if (this.#cachedBytes <= CACHED_BYTES || oldest === address) break
      this.#collections.delete(oldest)
      this.#cachedBytes -= size
    }
  }
}
