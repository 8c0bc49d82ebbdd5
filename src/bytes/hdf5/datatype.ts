import type { DType } from '../../tensor/index.ts'
import { type Cursor, decodeText } from './cursor.ts'
import type { H5Type } from './types.ts'

export type StringPadding = 'zero-terminated' | 'zero-padded' | 'space-padded'

/** How the bytes of one element are read. */
export type ElementType =
  | { readonly kind: 'number'; readonly dtype: DType; readonly size: number; readonly bigEndian: boolean }
  | { readonly kind: 'string'; readonly size: number; readonly padding: StringPadding }
  | { readonly kind: 'variable-string'; readonly size: number }
  | { readonly kind: 'opaque'; readonly size: number; readonly tag: string }
  | { readonly kind: 'other'; readonly size: number; readonly description: string }

export interface Datatype {
  readonly element: ElementType
  /** Dimensions of an array type: they follow those of the dataspace. */
  readonly dims: readonly number[]
}

const CLASSES = [
  'integer',
  'float',
  'time',
  'string',
  'bit field',
  'opaque',
  'compound',
  'reference',
  'enumeration',
  'variable-length',
  'array',
  'complex',
] as const

/** Integer and bit-field dtypes by size in bytes. */
const SIGNED: { readonly [size: number]: DType } = { 1: 'int8', 2: 'int16', 4: 'int32', 8: 'int64' }
const UNSIGNED: { readonly [size: number]: DType } = { 1: 'uint8', 2: 'uint16', 4: 'uint32', 8: 'uint64' }

/** Floats by `sign bit, exponent (place, bits), mantissa (place, bits), bias`. */
const FLOATS: { readonly [layout: string]: DType } = {
  '15 10,5 0,10 15': 'float16',
  '15 7,8 0,7 127': 'bfloat16',
  '31 23,8 0,23 127': 'float32',
  '63 52,11 0,52 1023': 'float64',
}

const COMPLEX: { readonly [part: string]: DType } = { float32: 'complex64', float64: 'complex128' }
const PADDINGS: readonly StringPadding[] = ['zero-terminated', 'zero-padded', 'space-padded']
const MAX_NESTING = 16

/** What every type starts with. */
interface TypeHead {
  readonly className: (typeof CLASSES)[number]
  readonly version: number
  /** 24 bits whose meaning depends on the class. */
  readonly bits: number
  readonly size: number
}

export function parseDatatype(cursor: Cursor, nesting = 0): Datatype {
  const head = parseHead(cursor)
  if (nesting > MAX_NESTING) throw cursor.invalid('a type is nested too deeply')
  if (head.className !== 'array') return { element: parseElement(cursor, head, nesting), dims: [] }
  const rank = cursor.u8()
  if (head.version < 3) cursor.skip(3)
  const dims = Array.from({ length: rank }, () => cursor.u32())
  if (head.version < 3) cursor.skip(4 * rank)
  const base = parseDatatype(cursor, nesting + 1)
  const count = [...dims, ...base.dims].reduce((product, dim) => product * dim, 1)
  if (count === 0 || count * base.element.size !== head.size) {
    throw cursor.invalid('an array type has an impossible size', {
      received: `[${dims.join(', ')}] in ${head.size} bytes`,
    })
  }
  return { element: base.element, dims: [...dims, ...base.dims] }
}

function parseHead(cursor: Cursor): TypeHead {
  const classAndVersion = cursor.u8()
  const className = CLASSES[classAndVersion & 0x0f]
  const bits = cursor.uint(3)
  const size = cursor.u32()
  if (className === undefined) throw cursor.unsupported(`datatype class ${classAndVersion & 0x0f}`)
  if (size === 0) throw cursor.invalid('a type has no size')
  return { className, version: classAndVersion >> 4, bits, size }
}

function parseElement(cursor: Cursor, head: TypeHead, nesting: number): ElementType {
  const { className, bits, size } = head
  const other: ElementType = { kind: 'other', size, description: `${className} of ${size} bytes` }
  switch (className) {
    case 'integer':
    case 'bit field':
      return integerElement(cursor, head) ?? other
    case 'float':
      return floatElement(cursor, head) ?? other
    case 'string': {
      const padding = PADDINGS[bits & 0x0f]
      return padding === undefined ? other : { kind: 'string', size, padding }
    }
    case 'opaque':
      return { kind: 'opaque', size, tag: decodeText(cursor.take(bits & 0xff)).replace(/\0+$/, '') }
    case 'enumeration':
      return enumerationElement(cursor, head, nesting) ?? other
    case 'variable-length': {
      if ((bits & 0x0f) !== 1) return { ...other, description: 'variable-length sequence' }
      const expected = 8 + cursor.format.offsetSize
      if (size !== expected)
        throw cursor.invalid('a text reference has an impossible size', { received: `${size} bytes` })
      return { kind: 'variable-string', size }
    }
    case 'compound':
      return complexElement(cursor, head, nesting) ?? { ...other, description: `compound of ${bits & 0xffff} members` }
    default:
      return other
  }
}

function integerElement(cursor: Cursor, { className, bits, size }: TypeHead): ElementType | undefined {
  const bitOffset = cursor.u16()
  const precision = cursor.u16()
  const signed = className === 'integer' && (bits & 0x08) !== 0
  const dtype = (signed ? SIGNED : UNSIGNED)[size]
  if (dtype === undefined || bitOffset !== 0 || precision !== size * 8) return undefined
  return { kind: 'number', dtype, size, bigEndian: (bits & 0x01) !== 0 }
}

function floatElement(cursor: Cursor, { bits, size }: TypeHead): ElementType | undefined {
  const bitOffset = cursor.u16()
  const precision = cursor.u16()
  const [exponentPlace, exponentBits, mantissaPlace, mantissaBits] = cursor.take(4)
  const bias = cursor.u32()
  const sign = (bits >> 8) & 0xff
  const dtype = FLOATS[`${sign} ${exponentPlace},${exponentBits} ${mantissaPlace},${mantissaBits} ${bias}`]
  const vax = (bits & 0x40) !== 0
  if (dtype === undefined || vax || bitOffset !== 0 || precision !== size * 8) return undefined
  return { kind: 'number', dtype, size, bigEndian: (bits & 0x01) !== 0 }
}

/** Bool is h5py's enumeration of one byte with FALSE = 0 and TRUE = 1; other enumerations are their numbers. */
function enumerationElement(cursor: Cursor, head: TypeHead, nesting: number): ElementType | undefined {
  const { element } = parseDatatype(cursor, nesting + 1)
  if (element.kind !== 'number' || element.size !== head.size) return undefined
  const count = head.bits & 0xffff
  if (count !== 2 || element.size !== 1) return element
  const names = [0, 1].map(() => memberName(cursor, head.version))
  const [first, second] = cursor.take(2)
  const isBool = names[0] === 'FALSE' && names[1] === 'TRUE' && first === 0 && second === 1
  return isBool ? { ...element, dtype: 'bool' } : element
}

/** Complex numbers are h5py's compound of `r` and `i`. */
function complexElement(cursor: Cursor, head: TypeHead, nesting: number): ElementType | undefined {
  if ((head.bits & 0xffff) !== 2) return undefined
  const members = [0, 1].map(() => {
    const name = memberName(cursor, head.version)
    const offset = head.version < 3 ? cursor.u32() : cursor.uint(Math.ceil(Math.log2(head.size + 1) / 8))
    if (head.version === 1) cursor.skip(28)
    return { name, offset, ...parseDatatype(cursor, nesting + 1) }
  })
  const [real, imaginary] = members
  if (real?.element.kind !== 'number' || imaginary?.element.kind !== 'number') return undefined
  const part = real.element
  const dtype = COMPLEX[part.dtype]
  const paired =
    real.name === 'r' &&
    imaginary.name === 'i' &&
    real.offset === 0 &&
    imaginary.offset === part.size &&
    imaginary.element.dtype === part.dtype &&
    imaginary.element.bigEndian === part.bigEndian &&
    head.size === 2 * part.size
  return dtype !== undefined && paired && real.dims.length === 0 && imaginary.dims.length === 0
    ? { kind: 'number', dtype, size: head.size, bigEndian: part.bigEndian }
    : undefined
}

/** Names of members are padded to 8 bytes in the older versions. */
function memberName(cursor: Cursor, version: number): string {
  const start = cursor.position
  const name = cursor.zeroTerminated()
  if (version < 3) cursor.align(8, start)
  return name
}

/** The public face of a type. */
export function describeType(element: ElementType): H5Type {
  switch (element.kind) {
    case 'number':
      return { kind: 'number', dtype: element.dtype }
    case 'string':
      return { kind: 'string', variable: false, size: element.size }
    case 'variable-string':
      return { kind: 'string', variable: true, size: element.size }
    case 'opaque':
      return { kind: 'opaque', size: element.size, tag: element.tag }
    case 'other':
      return { kind: 'other', size: element.size, description: element.description }
  }
}
