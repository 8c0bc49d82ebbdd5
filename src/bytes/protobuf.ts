/**
 * The protobuf wire format, without schemas: a writer that plans sizes before it allocates, and a reader that finds
 * the fields of one message and leaves nested messages and large byte fields as views.
 * Source: the "Encoding" page of the protobuf documentation.
 */
import { type ErrorCode, RekindleError } from '../errors.ts'

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const
type WireType = (typeof WIRE)[keyof typeof WIRE]

/** Byte fields from this size on are kept as views; smaller ones are copied into the message's own buffer. */
const VIEW_BYTES = 512
const MAX_VARINT_BYTES = 10
const FIRST_BUFFER_BYTES = 64
/** No format of ours nests messages deeper, or has more fields in one message; a file that does is hostile. */
const MAX_DEPTH = 64
const MAX_FIELDS = 1 << 20

const EMPTY = new Uint8Array(0)
const ENCODER = new TextEncoder()
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * One message being written. Large byte fields and nested messages stay views until `finish`, which allocates once;
 * `chunks` gives the parts for a stream.
 */
export class ProtoWriter {
  readonly #chunks: Uint8Array[] = []
  #buffer = EMPTY
  /** Bytes in use in the buffer, and in the chunks. */
  #end = 0
  #sealed = 0

  /** Bytes written so far. */
  get size(): number {
    return this.#sealed + this.#end
  }

  /** An int32, int64, uint64, bool or enum; negative numbers take ten bytes, as the format wants. */
  varint(field: number, value: number | bigint): void {
    this.#key(field, WIRE.varint)
    this.#varint(value)
  }

  /** A float. */
  float(field: number, value: number): void {
    this.#key(field, WIRE.fixed32)
    const at = this.#reserve(4)
    new DataView(this.#buffer.buffer).setFloat32(at, value, true)
  }

  /** Repeated integers in one field. */
  packedVarints(field: number, values: readonly (number | bigint)[]): void {
    const inner = new ProtoWriter()
    for (const value of values) inner.#varint(value)
    this.message(field, inner)
  }

  /** Repeated floats in one field. */
  packedFloats(field: number, values: readonly number[]): void {
    const bytes = new Uint8Array(values.length * 4)
    const view = new DataView(bytes.buffer)
    for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true)
    this.bytes(field, bytes)
  }

  string(field: number, text: string): void {
    this.bytes(field, ENCODER.encode(text))
  }

  /** A byte field. A large one is not copied: it must not change before the message is finished. */
  bytes(field: number, data: Uint8Array): void {
    this.#key(field, WIRE.bytes)
    this.#varint(data.length)
    this.#append(data)
  }

  /** A nested message. */
  message(field: number, inner: ProtoWriter): void {
    this.#key(field, WIRE.bytes)
    this.#varint(inner.size)
    for (const chunk of inner.chunks()) this.#append(chunk)
  }

  /** The message in parts, in order; large byte fields as views. */
  chunks(): readonly Uint8Array[] {
    this.#seal()
    return this.#chunks
  }

  /** The message as one array. */
  finish(): Uint8Array {
    const out = new Uint8Array(this.size)
    let offset = 0
    for (const chunk of this.chunks()) {
      out.set(chunk, offset)
      offset += chunk.length
    }
    return out
  }

  #key(field: number, wire: WireType): void {
    this.#varint(field * 8 + wire)
  }

  #varint(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      let rest = value
      while (rest > 127) {
        this.#byte((rest % 128) | 128)
        rest = Math.floor(rest / 128)
      }
      this.#byte(rest)
      return
    }
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest > 127n) {
      this.#byte(Number(rest & 127n) | 128)
      rest >>= 7n
    }
    this.#byte(Number(rest))
  }

  #byte(value: number): void {
    const at = this.#reserve(1)
    this.#buffer[at] = value
  }

  #append(data: Uint8Array): void {
    if (data.length < VIEW_BYTES) {
      const at = this.#reserve(data.length)
      this.#buffer.set(data, at)
      return
    }
    this.#seal()
    this.#chunks.push(data)
    this.#sealed += data.length
  }

  /** Makes room in the buffer and returns where it begins. */
  #reserve(length: number): number {
    const at = this.#end
    this.#end += length
    if (this.#end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#end, this.#buffer.length * 2, FIRST_BUFFER_BYTES))
      larger.set(this.#buffer.subarray(0, at))
      this.#buffer = larger
    }
    return at
  }

  /** Turns what the buffer holds into a chunk. */
  #seal(): void {
    if (this.#end === 0) return
    this.#chunks.push(this.#buffer.subarray(0, this.#end))
    this.#sealed += this.#end
    this.#buffer = EMPTY
    this.#end = 0
  }
}

/** What a reader says when the bytes are wrong. */
export interface ProtoErrors {
  /** The code for a field that cannot be what the format says. */
  readonly invalid: ErrorCode
  /** What the message is, for the text of the error: `ONNX model`. */
  readonly what: string
}

/** Where one field's content stands. */
interface Field {
  readonly wire: WireType
  readonly start: number
  readonly end: number
}

/**
 * The fields of one message, found in one pass over its bytes. Asking for a field that is absent gives the
 * default of its type; asking for one of another wire type throws. Nested messages are read when they are asked for.
 */
export class ProtoMessage {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #errors: ProtoErrors
  readonly #depth: number
  readonly #fields = new Map<number, Field[]>()

  /** @throws RekindleError `E_TRUNCATED` for bytes that end early, or the caller's code for wrong ones. */
  constructor(bytes: Uint8Array, errors: ProtoErrors, depth = 0) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#errors = errors
    this.#depth = depth
    if (depth > MAX_DEPTH) throw this.#invalid('messages nested too deep', `at most ${MAX_DEPTH} levels`, 'more')
    this.#scan()
  }

  has(field: number): boolean {
    return this.#fields.has(field)
  }

  /** The field numbers that occur, in the order of their first occurrence. */
  fields(): readonly number[] {
    return [...this.#fields.keys()]
  }

  /** A signed 64-bit integer. */
  bigint(field: number): bigint | undefined {
    const last = this.#last(field, WIRE.varint)
    return last && this.#readVarint(last.start, last.end).value
  }

  /** An integer that must fit into a number. */
  int(field: number): number | undefined {
    const value = this.bigint(field)
    return value === undefined ? undefined : this.#toNumber(value, field)
  }

  float(field: number): number | undefined {
    const last = this.#last(field, WIRE.fixed32)
    return last && this.#view.getFloat32(last.start, true)
  }

  bytes(field: number): Uint8Array | undefined {
    const last = this.#last(field, WIRE.bytes)
    return last && this.#bytes.subarray(last.start, last.end)
  }

  string(field: number): string | undefined {
    const bytes = this.bytes(field)
    return bytes && this.#decodeText(bytes, field)
  }

  message(field: number): ProtoMessage | undefined {
    const bytes = this.bytes(field)
    return bytes && new ProtoMessage(bytes, this.#errors, this.#depth + 1)
  }

  /** Bytes that all occurrences of a field take: no more values than these can be in it. */
  byteLength(field: number): number {
    return (this.#fields.get(field) ?? []).reduce((sum, { start, end }) => sum + end - start, 0)
  }

  /** The values of a repeated integer field one by one, packed or not. */
  eachBigint(field: number): Generator<bigint> {
    return this.#each(field, WIRE.varint, (offset, limit) => this.#readVarint(offset, limit))
  }

  /** The values of a repeated float field one by one, packed or not. */
  eachFloat(field: number): Generator<number> {
    return this.#each(field, WIRE.fixed32, (offset, limit) => {
      this.#need(offset, 4, limit)
      return { value: this.#view.getFloat32(offset, true), end: offset + 4 }
    })
  }

  /** The values of a repeated double field one by one, packed or not. */
  eachDouble(field: number): Generator<number> {
    return this.#each(field, WIRE.fixed64, (offset, limit) => {
      this.#need(offset, 8, limit)
      return { value: this.#view.getFloat64(offset, true), end: offset + 8 }
    })
  }

  /** A repeated integer field whose values must fit into numbers. */
  ints(field: number): number[] {
    return Array.from(this.eachBigint(field), (value) => this.#toNumber(value, field))
  }

  floats(field: number): number[] {
    return [...this.eachFloat(field)]
  }

  allBytes(field: number): Uint8Array[] {
    return (this.#fields.get(field) ?? []).map((found) => {
      this.#checkWire(field, found, WIRE.bytes)
      return this.#bytes.subarray(found.start, found.end)
    })
  }

  strings(field: number): string[] {
    return this.allBytes(field).map((bytes) => this.#decodeText(bytes, field))
  }

  messages(field: number): ProtoMessage[] {
    return this.allBytes(field).map((bytes) => new ProtoMessage(bytes, this.#errors, this.#depth + 1))
  }

  #scan(): void {
    const { length } = this.#bytes
    let count = 0
    for (let offset = 0; offset < length; count++) {
      if (count === MAX_FIELDS) {
        throw new RekindleError('E_LIMIT', `${this.#errors.what}: more than ${MAX_FIELDS} fields in one message`)
      }
      const key = this.#readVarint(offset, length)
      const number = Number(BigInt.asUintN(64, key.value) >> 3n)
      const wire = Number(key.value & 7n)
      if (number < 1 || number > 0x1fffffff) {
        throw this.#invalid('field number', '1 to 536870911', String(number))
      }
      const field = this.#extent(wire, key.end)
      const found = this.#fields.get(number)
      if (found) found.push(field)
      else this.#fields.set(number, [field])
      offset = field.end
    }
  }

  #extent(wire: number, start: number): Field {
    const { length } = this.#bytes
    switch (wire) {
      case WIRE.varint:
        return { wire, start, end: this.#readVarint(start, length).end }
      case WIRE.fixed64:
      case WIRE.fixed32: {
        const size = wire === WIRE.fixed64 ? 8 : 4
        this.#need(start, size, length)
        return { wire, start, end: start + size }
      }
      case WIRE.bytes: {
        const { value, end } = this.#readVarint(start, length)
        const size = Number(BigInt.asUintN(64, value))
        this.#need(end, size, length)
        return { wire, start: end, end: end + size }
      }
      default:
        throw this.#invalid('wire type', '0, 1, 2 or 5', String(wire))
    }
  }

  #readVarint(offset: number, limit: number): { value: bigint; end: number } {
    let low = 0
    let high = 0n
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      this.#need(offset + i, 1, limit)
      const byte = this.#bytes[offset + i] as number
      // The first four bytes fit into a plain integer; most varints end there.
      if (i < 4) low |= (byte & 127) << (7 * i)
      else high |= BigInt(byte & 127) << BigInt(7 * i)
      if (byte < 128) {
        const value = i < 4 ? BigInt(low) : BigInt.asIntN(64, high | BigInt(low))
        return { value, end: offset + i + 1 }
      }
    }
    throw this.#invalid('integer', `at most ${MAX_VARINT_BYTES} bytes`, 'more')
  }

  *#each<T>(
    field: number,
    wire: WireType,
    read: (offset: number, limit: number) => { value: T; end: number },
  ): Generator<T> {
    for (const found of this.#fields.get(field) ?? []) {
      if (found.wire !== WIRE.bytes) this.#checkWire(field, found, wire)
      for (let offset = found.start; offset < found.end; ) {
        const { value, end } = read(offset, found.end)
        yield value
        offset = end
      }
    }
  }

  /** Of a field that occurs more than once, the last one counts. */
  #last(field: number, wire: WireType): Field | undefined {
    const last = this.#fields.get(field)?.at(-1)
    if (last) this.#checkWire(field, last, wire)
    return last
  }

  #checkWire(field: number, found: Field, wire: WireType): void {
    if (found.wire !== wire) {
      throw this.#invalid(`wire type of field ${field}`, String(wire), String(found.wire))
    }
  }

  #toNumber(value: bigint, field: number): number {
    const number = Number(value)
    if (!Number.isSafeInteger(number)) {
      throw this.#invalid(`field ${field}`, 'an integer below 2^53', String(value))
    }
    return number
  }

  #decodeText(bytes: Uint8Array, field: number): string {
    try {
      return DECODER.decode(bytes)
    } catch (cause) {
      throw new RekindleError(this.#errors.invalid, `${this.#errors.what}: field ${field} is not UTF-8`, { cause })
    }
  }

  #need(offset: number, length: number, limit: number): void {
    if (length <= limit - offset) return
    throw new RekindleError('E_TRUNCATED', `${this.#errors.what}: ends early`, {
      expected: `${length} bytes at ${offset}`,
      received: `${Math.max(0, limit - offset)}`,
    })
  }

  #invalid(what: string, expected: string, received: string): RekindleError {
    return new RekindleError(this.#errors.invalid, `${this.#errors.what}: ${what}`, { expected, received })
  }
}
