import { RekindleError } from '../../errors.ts'
import type { Source } from '../source.ts'
import { metadataChecksum } from './checksum.ts'
import { type AddressFormat, Cursor } from './cursor.ts'
import type { Budget, Hdf5Limits } from './limits.ts'
import type { PageCache } from './page-cache.ts'

export interface FileAccess {
  readonly source: Source
  readonly limits: Hdf5Limits
  readonly format: AddressFormat
  readonly pages: PageCache
}

const CHECKSUM_BYTES = 4

/** Reads structures on behalf of one object: knows its path for messages, and who pays. */
export class H5Reader {
  readonly file: FileAccess
  /** Path of the object that is read. */
  readonly where: string
  readonly budget: Budget

  constructor(file: FileAccess, where: string, budget: Budget) {
    this.file = file
    this.where = where
    this.budget = budget
  }

  /** The same file on behalf of another object. */
  within(where: string): H5Reader {
    return new H5Reader(this.file, where, this.budget)
  }

  get format(): AddressFormat {
    return this.file.format
  }

  /** @throws RekindleError `E_TRUNCATED` when the range passes the end of the source. */
  checkRange(offset: number, length: number): void {
    const { size } = this.file.source
    if (offset + length <= size) return
    throw new RekindleError('E_TRUNCATED', `${length} bytes at ${offset} are past the end`, {
      where: this.where,
      expected: `a file of at least ${offset + length} bytes`,
      received: `${size}`,
    })
  }

  /** @throws RekindleError `E_LIMIT` when `bytes` is more than one array may hold. */
  checkSize(what: string, bytes: number): void {
    const { datasetBytes } = this.file.limits
    if (bytes <= datasetBytes) return
    throw new RekindleError('E_LIMIT', `${what} is too large`, {
      where: this.where,
      expected: `at most ${datasetBytes} bytes`,
      received: `${bytes}`,
    })
  }

  /** A structure of `length` bytes at a place in the source. */
  async cursor(offset: number, length: number): Promise<Cursor> {
    this.checkRange(offset, length)
    this.budget.visit(length, this.where)
    return this.over(await this.file.pages.read(offset, length))
  }

  /** Up to `length` bytes: fewer at the end of the source. */
  async cursorUpTo(offset: number, length: number): Promise<Cursor> {
    this.checkRange(offset, 1)
    return this.cursor(offset, Math.min(length, this.file.source.size - offset))
  }

  /** A structure of `length` bytes that ends in its checksum, which is verified and left out. */
  async checked(offset: number, length: number, signature?: string): Promise<Cursor> {
    const whole = await this.cursor(offset, length)
    const body = whole.take(length - CHECKSUM_BYTES)
    const cursor = this.over(body)
    if (signature !== undefined) cursor.signature(signature)
    const expected = whole.u32()
    const received = metadataChecksum(body)
    if (expected !== received) {
      throw this.invalid('a checksum is wrong', { expected: expected.toString(16), received: received.toString(16) })
    }
    return cursor
  }

  /** A cursor over bytes that are already here. */
  over(bytes: Uint8Array): Cursor {
    return new Cursor(bytes, this.format, this.where)
  }

  invalid(message: string, details: { expected?: string; received?: string; cause?: unknown } = {}): RekindleError {
    return new RekindleError('E_INVALID_HDF5', message, { where: this.where, ...details })
  }

  unsupported(what: string): RekindleError {
    return new RekindleError('E_UNSUPPORTED_HDF5', `${what} is not supported`, { where: this.where })
  }

  unsafe(message: string): RekindleError {
    return new RekindleError('E_UNSAFE_LINK', message, { where: this.where })
  }
}

/** Notes the nodes of one walk: a tree never comes to the same place twice. */
export class VisitedPlaces {
  readonly #places = new Set<number>()

  /** @throws RekindleError `E_INVALID_HDF5` when the place was visited before. */
  enter(reader: H5Reader, place: number): void {
    if (this.#places.has(place)) throw reader.invalid(`the structure at ${place} is reached twice`)
    this.#places.add(place)
  }
}
