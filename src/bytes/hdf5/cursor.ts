import { RekindleError } from '../../errors.ts'

/** How a file spells addresses: stated in its superblock. */
export interface AddressFormat {
  /** Where address 0 is in the source: the superblock's place (behind a user block). */
  readonly base: number
  /** Bytes of an address: 2, 4 or 8. */
  readonly offsetSize: number
  /** Bytes of a length: 2, 4 or 8. */
  readonly lengthSize: number
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Names and texts are utf-8; what is not becomes replacement characters. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** Reads one structure, little-endian, never past its end. */
export class Cursor {
  readonly bytes: Uint8Array
  readonly format: AddressFormat
  /** The object that the bytes belong to, for messages. */
  readonly where: string
  position = 0
  readonly #view: DataView

  constructor(bytes: Uint8Array, format: AddressFormat, where: string) {
    this.bytes = bytes
    this.format = format
    this.where = where
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get remaining(): number {
    return this.bytes.length - this.position
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  /** An unsigned integer of `width` bytes, at most 2^53. */
  uint(width: number): number {
    const start = this.#advance(width)
    let value = 0
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.bytes[start + i] as number)
    if (value > Number.MAX_SAFE_INTEGER) throw this.invalid('a number is too large', { received: String(value) })
    return value
  }

  u64(): number {
    return this.uint(8)
  }

  /** A size or count in the file's width. */
  length(): number {
    return this.uint(this.format.lengthSize)
  }

  /** A place in the source, or undefined for the undefined address (all bits set). */
  address(): number | undefined {
    const { offsetSize, base } = this.format
    return this.#allOnes(offsetSize) ? undefined : base + this.uint(offsetSize)
  }

  /** A place in the source that has to be there. */
  requiredAddress(): number {
    const address = this.address()
    if (address === undefined) throw this.invalid('an address is missing')
    return address
  }

  /** A size in `width` bytes where all bits set mean "without limit". */
  limitedLength(width: number): number {
    return this.#allOnes(width) ? Number.POSITIVE_INFINITY : this.uint(width)
  }

  /** The next `count` bytes, as a view. */
  take(count: number): Uint8Array {
    const start = this.#advance(count)
    return this.bytes.subarray(start, start + count)
  }

  rest(): Uint8Array {
    return this.take(this.remaining)
  }

  skip(count: number): this {
    this.#advance(count)
    return this
  }

  /** Skips to a multiple of `step` bytes counted from `start`. */
  align(step: number, start = 0): void {
    const over = (this.position - start) % step
    if (over) this.#advance(step - over)
  }

  /** Text up to a zero byte, which is skipped. */
  zeroTerminated(): string {
    const end = this.bytes.indexOf(0, this.position)
    if (end < 0) throw this.invalid('a name has no end')
    const text = decodeText(this.take(end - this.position))
    this.position++
    return text
  }

  /** Skips four characters that have to be there. */
  signature(expected: string): this {
    const received = String.fromCharCode(...this.take(4))
    if (received !== expected) {
      throw this.invalid('a structure does not start with its signature', {
        expected: JSON.stringify(expected),
        received: JSON.stringify(received),
      })
    }
    return this
  }

  /** Skips a version byte that has to be there. */
  version(structure: string, expected: number): this {
    const received = this.u8()
    if (received !== expected) throw this.unsupported(`${structure} version ${received}`)
    return this
  }

  invalid(message: string, details: { expected?: string; received?: string } = {}): RekindleError {
    return new RekindleError('E_INVALID_HDF5', message, { where: this.where, ...details })
  }

  unsupported(what: string): RekindleError {
    return new RekindleError('E_UNSUPPORTED_HDF5', `${what} is not supported`, { where: this.where })
  }

  #allOnes(width: number): boolean {
    for (let i = 0; i < width; i++) if (this.bytes[this.position + i] !== 0xff) return false
    this.#advance(width)
    return true
  }

  #advance(count: number): number {
    const start = this.position
    if (count > this.bytes.length - start) {
      throw this.invalid('a structure ends early', { expected: `${count} more bytes`, received: `${this.remaining}` })
    }
    this.position = start + count
    return start
  }
}
