import { RekindleError } from '../../../errors.ts'
import type { Tensor, TypedArray } from '../../../tensor/index.ts'
import { MESSAGE } from '../object-header.ts'
import type { H5WriteAttribute } from '../types.ts'
import type { ByteWriter } from './byte-writer.ts'
import { encodeDataspace, encodeDatatype, VARIABLE_STRING } from './datatypes.ts'
import type { TextHeap } from './text-heap.ts'

/** A message's size has 16 bits and is a multiple of 8. */
const MOST_MESSAGE_BYTES = 65_528
const MOST_MESSAGES = 65_535

const encoder = new TextEncoder()

/** Object header version 1, written straight into the image. */
export class HeaderWriter {
  readonly address: number
  readonly #image: ByteWriter
  readonly #where: string
  #messages = 0

  constructor(image: ByteWriter, where: string) {
    this.address = image.align(8).position
    this.#image = image.u8(1, 0).u16(0).u32(1).u32(0).zeros(4)
    this.#where = where
  }

  /** One message whose body `write` puts into the image; `constant` ones may be cached by a reader. */
  message(type: number, write: () => void, constant = false, where = this.#where): void {
    const image = this.#image.u16(type)
    const sizeField = image.position
    image.u16(0).u8(constant ? 1 : 0, 0, 0, 0)
    const start = image.position
    write()
    const size = image.align(8, start).position - start
    if (size > MOST_MESSAGE_BYTES) {
      throw new RekindleError('E_LIMIT', 'too large for one attribute', {
        where,
        expected: `at most ${MOST_MESSAGE_BYTES} bytes with its name (a text of a list counts 16)`,
        received: `${size}`,
        hint: 'split a list into several attributes, or make it a dataset',
      })
    }
    image.setU16(sizeField, size)
    this.#messages++
  }

  attributes(attributes: ReadonlyMap<string, H5WriteAttribute> | undefined, texts: TextHeap): void {
    for (const [name, value] of attributes ?? []) {
      const where = `${this.#where}@${name}`
      checkAttributeName(name, where)
      this.message(MESSAGE.attribute, () => writeAttribute(this.#image, texts, name, value, where), false, where)
    }
  }

  finish(): void {
    if (this.#messages > MOST_MESSAGES) {
      throw new RekindleError('E_LIMIT', 'too many attributes', {
        where: this.#where,
        expected: `at most ${MOST_MESSAGES}`,
        received: `${this.#messages}`,
      })
    }
    this.#image.setU16(this.address + 2, this.#messages)
    this.#image.setU32(this.address + 8, this.#image.position - this.address - 16)
  }
}

function checkAttributeName(name: string, where: string): void {
  if (name !== '' && !/\0|\p{Surrogate}/u.test(name)) return
  throw new RekindleError('E_INVALID_ARGUMENT', 'an attribute cannot have this name', {
    where,
    received: JSON.stringify(name),
  })
}

function writeAttribute(
  image: ByteWriter,
  texts: TextHeap,
  name: string,
  value: H5WriteAttribute,
  where: string,
): void {
  const strings = stringsOf(value)
  const shape = typeof value === 'string' ? [] : isTensor(value) ? value.shape : [value.length]
  if (isTensor(value) && value.dtype === 'bfloat16') {
    throw new RekindleError('E_UNSUPPORTED_DTYPE', 'an attribute cannot hold bfloat16', { where })
  }
  const datatype = strings ? VARIABLE_STRING : encodeDatatype((value as Tensor).dtype, where)
  const dataspace = encodeDataspace(shape)
  const nameBytes = encoder.encode(`${name}\0`)
  image.u8(1, 0)
  for (const part of [nameBytes, datatype, dataspace]) image.u16(part.length)
  for (const part of [nameBytes, datatype, dataspace]) image.put(part).align(8, image.position - part.length)
  if (strings) for (const text of strings) texts.reference(encoder.encode(text))
  else image.put(bytesOf(value as Tensor))
}

function isTensor(value: H5WriteAttribute): value is Tensor {
  return typeof value === 'object' && 'dtype' in value
}

function stringsOf(value: H5WriteAttribute): readonly string[] | undefined {
  if (typeof value === 'string') return [value]
  if (!isTensor(value)) return value
  return value.dtype === 'string' ? (value.data as string[]) : undefined
}

/** A tensor's own memory. */
export function bytesOf(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data as TypedArray
  return new Uint8Array(buffer, byteOffset, byteLength)
}
