/** Grows as it is written, little-endian. Fields that are known later are set by their position. */
export class ByteWriter {
  #bytes = new Uint8Array(4096)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  /** Where the next byte goes. */
  get position(): number {
    return this.#length
  }

  /** Everything written so far, as a view. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  u8(...values: readonly number[]): this {
    const start = this.#grow(values.length)
    this.#bytes.set(values, start)
    return this
  }

  u16(value: number): this {
    const start = this.#grow(2)
    this.#view.setUint16(start, value, true)
    return this
  }

  u32(value: number): this {
    const start = this.#grow(4)
    this.#view.setUint32(start, value, true)
    return this
  }

  u64(value: number): this {
    const start = this.#grow(8)
    this.setU64(start, value)
    return this
  }

  /** The address that points nowhere. */
  undefinedAddress(): this {
    return this.u32(0xffffffff).u32(0xffffffff)
  }

  put(bytes: Uint8Array): this {
    const start = this.#grow(bytes.length)
    this.#bytes.set(bytes, start)
    return this
  }

  /** ASCII characters. */
  signature(text: string): this {
    return this.u8(...Array.from(text, (character) => character.charCodeAt(0)))
  }

  zeros(count: number): this {
    this.#grow(count)
    return this
  }

  /** Zeros up to a multiple of `step` bytes counted from `start`. */
  align(step: number, start = 0): this {
    return this.zeros((step - ((this.#length - start) % step)) % step)
  }

  setU16(position: number, value: number): void {
    this.#view.setUint16(position, value, true)
  }

  setU32(position: number, value: number): void {
    this.#view.setUint32(position, value, true)
  }

  setU64(position: number, value: number): void {
    this.#view.setBigUint64(position, BigInt(value), true)
  }

  #grow(count: number): number {
    const start = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return start
  }
}
