import { RekindleError } from '../../../errors.ts'
import type { DType } from '../../../tensor/index.ts'
import { ByteWriter } from './byte-writer.ts'

const encoder = new TextEncoder()

function integer(size: number, signed: boolean): Uint8Array {
  return new ByteWriter()
    .u8(0x10, signed ? 0x08 : 0, 0, 0)
    .u32(size)
    .u16(0)
    .u16(size * 8).bytes
}

/** IEEE: the mantissa at bit 0, the exponent behind it, the sign in the highest bit, an implied leading one. */
function float(size: number, exponentBits: number, mantissaBits: number): Uint8Array {
  const bits = size * 8
  return new ByteWriter()
    .u8(0x11, 0x20, bits - 1, 0)
    .u32(size)
    .u16(0)
    .u16(bits)
    .u8(mantissaBits, exponentBits, 0, mantissaBits)
    .u32(2 ** (exponentBits - 1) - 1).bytes
}

/** numpy's `V2`: bytes without a meaning, with an empty tag of 8 bytes. */
function opaque(size: number): Uint8Array {
  return new ByteWriter().u8(0x15, 8, 0, 0).u32(size).zeros(8).bytes
}

/** h5py's bool: an enumeration of one byte. */
function bool(): Uint8Array {
  const writer = new ByteWriter().u8(0x18, 2, 0, 0).u32(1).put(integer(1, true))
  for (const name of ['FALSE', 'TRUE']) writer.put(encoder.encode(name)).zeros(8 - name.length)
  return writer.u8(0, 1).bytes
}

/** h5py's complex: a compound of `r` and `i`. */
function complex(part: Uint8Array, partBytes: number): Uint8Array {
  const writer = new ByteWriter().u8(0x16, 2, 0, 0).u32(2 * partBytes)
  for (const [i, name] of ['r', 'i'].entries()) {
    writer.put(encoder.encode(name)).zeros(7)
    // a member that is no array has no dimensions, no permutation
    writer.u32(i * partBytes).zeros(28)
    writer.put(part)
  }
  return writer.bytes
}

/** How each dtype is described in a file; null where HDF5 and Keras have no spelling. */
const DATATYPES: { readonly [D in DType]: Uint8Array | null } = {
  bool: bool(),
  int4: null,
  int8: integer(1, true),
  int16: integer(2, true),
  int32: integer(4, true),
  int64: integer(8, true),
  uint4: null,
  uint8: integer(1, false),
  uint16: integer(2, false),
  uint32: integer(4, false),
  uint64: integer(8, false),
  float8_e4m3fn: null,
  float8_e4m3fnuz: null,
  float8_e5m2: null,
  float8_e5m2fnuz: null,
  float16: float(2, 5, 10),
  bfloat16: opaque(2),
  float32: float(4, 8, 23),
  float64: float(8, 11, 52),
  complex64: complex(float(4, 8, 23), 4),
  complex128: complex(float(8, 11, 52), 8),
  string: null,
}

/** Texts of variable length, ended by zero, utf-8; each element is a reference of 16 bytes. */
export const VARIABLE_STRING = new ByteWriter().u8(0x19, 0x01, 0x01, 0).u32(16).put(integer(1, false)).bytes

/** @throws RekindleError `E_UNSUPPORTED_DTYPE` for dtypes that a file cannot say. */
export function encodeDatatype(dtype: DType, where: string): Uint8Array {
  const datatype = DATATYPES[dtype]
  if (datatype) return datatype
  const expected = Object.entries(DATATYPES)
    .filter(([, encoded]) => encoded)
    .map(([name]) => name)
    .join(', ')
  throw new RekindleError('E_UNSUPPORTED_DTYPE', 'HDF5 has no such numbers', { where, expected, received: dtype })
}

/** A simple dataspace; `[]` is a scalar. */
export function encodeDataspace(shape: readonly number[]): Uint8Array {
  const writer = new ByteWriter().u8(1, shape.length, 0, 0).zeros(4)
  for (const dim of shape) writer.u64(dim)
  return writer.bytes
}
