import type { DType } from './dtype.ts'

/**
 * Conversions of the float types that JavaScript has no array for; they are held as raw bits.
 * Widening goes through a table of all patterns (16-bit: one shift for bfloat16), narrowing rounds to nearest, ties to
 * even, as IEEE 754 and the frameworks do.
 */

/** How a small float is laid out: `finite` marks the formats without infinities (FN), `unsignedZero` those with UZ. */
interface Layout {
  readonly exponentBits: number
  readonly mantissaBits: number
  readonly bias: number
  readonly finite: boolean
  readonly unsignedZero: boolean
}

const LAYOUTS: { readonly [D in DType]?: Layout } = {
  float16: { exponentBits: 5, mantissaBits: 10, bias: 15, finite: false, unsignedZero: false },
  float8_e4m3fn: { exponentBits: 4, mantissaBits: 3, bias: 7, finite: true, unsignedZero: false },
  float8_e4m3fnuz: { exponentBits: 4, mantissaBits: 3, bias: 8, finite: true, unsignedZero: true },
  float8_e5m2: { exponentBits: 5, mantissaBits: 2, bias: 15, finite: false, unsignedZero: false },
  float8_e5m2fnuz: { exponentBits: 5, mantissaBits: 2, bias: 16, finite: true, unsignedZero: true },
}

const tables = new Map<DType, Float32Array>()

/** Raw bits of a float16, bfloat16 or float8 array as float32, exactly. */
export function widenFloats(bits: Uint16Array | Uint8Array, dtype: DType): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length)
  if (dtype === 'bfloat16') {
    const words = new Uint32Array(out.buffer)
    for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16
    return out
  }
  const table = tables.get(dtype) ?? makeTable(dtype)
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i] as number] as number
  return out
}

function makeTable(dtype: DType): Float32Array {
  const layout = LAYOUTS[dtype] as Layout
  const width = 1 + layout.exponentBits + layout.mantissaBits
  const table = Float32Array.from({ length: 2 ** width }, (_, bits) => decode(bits, layout))
  tables.set(dtype, table)
  return table
}

function decode(bits: number, { exponentBits, mantissaBits, bias, finite, unsignedZero }: Layout): number {
  const magnitude = bits & (2 ** (exponentBits + mantissaBits) - 1)
  const negative = bits !== magnitude
  const exponent = magnitude >> mantissaBits
  const mantissa = magnitude & (2 ** mantissaBits - 1)
  if (unsignedZero && negative && magnitude === 0) return Number.NaN
  if (!finite && exponent === 2 ** exponentBits - 1) {
    if (mantissa !== 0) return Number.NaN
    return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  if (finite && !unsignedZero && magnitude === 2 ** (exponentBits + mantissaBits) - 1) return Number.NaN
  const scale = exponent === 0 ? 2 ** (1 - bias) : 2 ** (exponent - bias)
  const value = scale * (mantissa / 2 ** mantissaBits + (exponent === 0 ? 0 : 1))
  return negative ? -value : value
}

/** float32 to float16 bits. */
export function toFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(words, float16Bits)
}

function float16Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff)
  // 65520 is halfway between the largest float16 and infinity: from here on it rounds up.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  if (magnitude < 0x33000000) return sign
  const shift = 126 - (magnitude >>> 23)
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  const quotient = mantissa >>> shift
  const rest = mantissa & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return sign | (quotient + (rest > half || (rest === half && quotient & 1) ? 1 : 0))
}

/** float32 to bfloat16 bits. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(words, (word) => {
    if ((word & 0x7fffffff) > 0x7f800000) return (word >>> 16) | 0x40
    return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  })
}
