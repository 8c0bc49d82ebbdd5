import { RekindleError } from '../errors.ts'
import { allocate, DTYPES, type DType, slotsPerElement, type Tensor, type TypedArray } from '../tensor/index.ts'

/** How the elements of an `.npy` file become those of a tensor. */
export interface NpyType {
  readonly dtype: DType
  /** Bytes of one element in the file. */
  readonly itemSize: number
  /** `data` holds exactly `count` elements. */
  decode(data: Uint8Array, count: number): Tensor['data']
}

const UNSUPPORTED_KINDS: { readonly [kind: string]: string } = {
  M: 'dates',
  m: 'time spans',
  V: 'raw bytes or records',
  f: 'this float type',
  c: 'this complex type',
}

/**
 * The type of a numpy dtype string (`<f4`, `|b1`, `>i8`, `<U12`, `|S3`).
 * @throws RekindleError `E_UNSAFE_CODE` for Python objects, `E_UNSUPPORTED_DTYPE`, `E_INVALID_NPY`.
 */
export function npyType(descr: string, where: string): NpyType {
  const match = /^([<>=|])([A-Za-z])(\d*)/.exec(descr)
  if (match === null)
    throw new RekindleError('E_INVALID_NPY', 'not a dtype', { where, received: JSON.stringify(descr) })
  const [whole, order = '', kind = '', digits = ''] = match
  if (kind === 'O') {
    throw new RekindleError('E_UNSAFE_CODE', 'the array holds Python objects (pickle), which are never run', {
      where,
      hint: 'save it with a numeric dtype',
    })
  }
  const swapped = order === '>'
  if (whole === descr && (kind === 'U' || kind === 'S')) return textType(kind, Number(digits), swapped, where)
  const dtype = whole === descr ? NUMERIC.get(kind + digits) : undefined
  if (dtype === undefined) {
    throw new RekindleError('E_UNSUPPORTED_DTYPE', UNSUPPORTED_KINDS[kind] ?? 'the dtype', {
      where,
      expected: 'bool, integers, floats of 16 to 64 bits, complex, or text',
      received: JSON.stringify(descr),
    })
  }
  const itemSize = DTYPES[dtype].bits / 8
  return { dtype, itemSize, decode: (data, count) => decodeNumbers(dtype, data, count, swapped) }
}

/** `f4` to float32 and so on. */
const NUMERIC: ReadonlyMap<string, DType> = new Map(
  (Object.keys(DTYPES) as DType[]).flatMap((dtype) => {
    const { npy } = DTYPES[dtype]
    return npy === null ? [] : [[npy.slice(1), dtype] as const]
  }),
)

function decodeNumbers(dtype: DType, data: Uint8Array, count: number, swapped: boolean): TypedArray {
  const Constructor = DTYPES[dtype].array as { readonly BYTES_PER_ELEMENT: number; new (...of: never[]): TypedArray }
  const width = Constructor.BYTES_PER_ELEMENT
  const slots = count * slotsPerElement(dtype)
  const usable = data.byteOffset % width === 0 && !swapped && (dtype !== 'bool' || data.every((byte) => byte <= 1))
  if (usable) return viewOf(Constructor, data, slots)
  const copy = data.slice()
  if (swapped) swapBytes(copy, width)
  if (dtype === 'bool') for (let i = 0; i < copy.length; i++) copy[i] = copy[i] === 0 ? 0 : 1
  return viewOf(Constructor, copy, slots)
}

function viewOf(Constructor: new (...of: never[]) => TypedArray, bytes: Uint8Array, slots: number): TypedArray {
  const View = Constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => TypedArray
  return new View(bytes.buffer, bytes.byteOffset, slots)
}

function swapBytes(bytes: Uint8Array, width: number): void {
  if (width === 1) return
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse()
}

const UTF32_BYTES = 4

function textType(kind: 'U' | 'S', length: number, swapped: boolean, where: string): NpyType {
  const itemSize = kind === 'U' ? length * UTF32_BYTES : length
  if (itemSize === 0) throw new RekindleError('E_INVALID_NPY', 'text of no length', { where })
  const decodeItem = kind === 'U' ? (item: Uint8Array) => decodeUtf32(item, swapped, where) : decodeBytes
  return {
    dtype: 'string',
    itemSize,
    decode(data, count) {
      const out = allocate('string', count)
      for (let i = 0; i < count; i++) out[i] = decodeItem(data.subarray(i * itemSize, (i + 1) * itemSize))
      return out
    },
  }
}

function decodeUtf32(item: Uint8Array, swapped: boolean, where: string): string {
  const view = new DataView(item.buffer, item.byteOffset, item.length)
  let length = item.length / UTF32_BYTES
  while (length > 0 && view.getUint32((length - 1) * UTF32_BYTES) === 0) length--
  let out = ''
  for (let i = 0; i < length; i++) {
    const point = view.getUint32(i * UTF32_BYTES, !swapped)
    if (point > 0x10ffff)
      throw new RekindleError('E_INVALID_NPY', 'not a Unicode character', { where, received: String(point) })
    out += String.fromCodePoint(point)
  }
  return out
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 where it is that, otherwise one character per byte. numpy drops the NULs at the end. */
function decodeBytes(item: Uint8Array): string {
  let length = item.length
  while (length > 0 && item[length - 1] === 0) length--
  const text = item.subarray(0, length)
  try {
    return UTF8.decode(text)
  } catch {
    return Array.from(text, (byte) => String.fromCharCode(byte)).join('')
  }
}

/**
 * The dtype string and the bytes that numpy reads a tensor back from. Text becomes UTF-32.
 * @throws RekindleError `E_UNSUPPORTED_DTYPE` for types that numpy lacks.
 */
export function npyDescr(dtype: DType, textLength: number, where: string): { descr: string; itemSize: number } {
  if (dtype === 'string') return { descr: `<U${textLength}`, itemSize: textLength * UTF32_BYTES }
  const { npy, bits } = DTYPES[dtype]
  if (npy === null) {
    throw new RekindleError('E_UNSUPPORTED_DTYPE', `numpy has no ${dtype}`, {
      where,
      hint: 'convert it to float32 or int8 first',
    })
  }
  return { descr: npy, itemSize: bits / 8 }
}

/** The longest string in characters (code points), at least 1 as numpy has it. */
export function longestText(strings: readonly string[]): number {
  return strings.reduce((longest, text) => Math.max(longest, [...text].length), 1)
}

/** The elements as numpy stores them; numbers are a view. */
export function encodeElements({ dtype, data }: Tensor, textLength: number): Uint8Array {
  if (dtype !== 'string') {
    const { buffer, byteOffset, byteLength } = data as TypedArray
    return new Uint8Array(buffer, byteOffset, byteLength)
  }
  const strings = data as string[]
  const points = new Uint32Array(strings.length * textLength)
  strings.forEach((text, i) => {
    points.set(
      Array.from(text, (character) => character.codePointAt(0) ?? 0),
      i * textLength,
    )
  })
  return new Uint8Array(points.buffer)
}
