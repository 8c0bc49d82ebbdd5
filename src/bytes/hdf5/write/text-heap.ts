import type { ByteWriter } from './byte-writer.ts'

/** The library's own smallest collection. */
const SMALLEST_COLLECTION = 4096
/** Object numbers have 16 bits; a collection stops growing at some megabytes, or holds one larger text. */
const MOST_OBJECTS = 60_000
const LARGE_COLLECTION = 16 * 2 ** 20
const HEADER_BYTES = 16

interface Collection {
  readonly texts: Uint8Array[]
  size: number
  /** Places in the image that wait for the collection's address. */
  readonly references: number[]
}

const padded = (length: number): number => Math.ceil(length / 8) * 8

/** Texts of variable length: attributes hold references, the texts stand in collections at the end of the image. */
export class TextHeap {
  readonly #image: ByteWriter
  readonly #collections: Collection[] = []

  constructor(image: ByteWriter) {
    this.#image = image
  }

  /** Writes a reference to the text at the image's end. */
  reference(text: Uint8Array): void {
    const image = this.#image
    if (text.length === 0) {
      image.zeros(16)
      return
    }
    const collection = this.#collectionFor(text.length)
    collection.texts.push(text)
    collection.size += HEADER_BYTES + padded(text.length)
    image.u32(text.length)
    collection.references.push(image.position)
    image.u64(0).u32(collection.texts.length)
  }

  /** Writes the collections, and their addresses into the references. */
  finish(): void {
    const image = this.#image
    for (const { texts, size, references } of this.#collections) {
      const start = image.align(8).position
      const total = Math.max(size, SMALLEST_COLLECTION)
      image.signature('GCOL').u8(1, 0, 0, 0).u64(total)
      for (const [i, text] of texts.entries()) {
        image
          .u16(i + 1)
          .u16(0)
          .u32(0)
          .u64(text.length)
          .put(text)
          .align(8, start)
      }
      const free = total - (image.position - start)
      // the free object's size includes its own header
      if (free >= HEADER_BYTES) image.u16(0).u16(0).u32(0).u64(free)
      image.zeros(total - (image.position - start))
      for (const reference of references) image.setU64(reference, start)
    }
  }

  #collectionFor(length: number): Collection {
    const last = this.#collections.at(-1)
    if (last && last.texts.length < MOST_OBJECTS && last.size + length <= LARGE_COLLECTION) return last
    const collection: Collection = { texts: [], size: HEADER_BYTES, references: [] }
    this.#collections.push(collection)
    return collection
  }
}
