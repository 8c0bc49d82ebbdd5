/**
 * The dtype table: one row per element type, with its spelling in each place that names dtypes.
 *
 * `bits` is the size of one element when packed; `array` is the typed array that holds it in memory. Types without a
 * native array hold their raw bits: float16 and bfloat16 in a Uint16Array, the float8s and 4-bit integers in a
 * Uint8Array (int4 sign-extended, one element per byte), complex as pairs.
 */
export const DTYPES = {
  bool: { onnx: 9, bits: 8, kind: 'bool', array: Uint8Array, npy: '|b1' },
  int4: { onnx: 22, bits: 4, kind: 'int', array: Int8Array, npy: null },
  int8: { onnx: 3, bits: 8, kind: 'int', array: Int8Array, npy: '|i1' },
  int16: { onnx: 5, bits: 16, kind: 'int', array: Int16Array, npy: '<i2' },
  int32: { onnx: 6, bits: 32, kind: 'int', array: Int32Array, npy: '<i4' },
  int64: { onnx: 7, bits: 64, kind: 'int', array: BigInt64Array, npy: '<i8' },
  uint4: { onnx: 21, bits: 4, kind: 'uint', array: Uint8Array, npy: null },
  uint8: { onnx: 2, bits: 8, kind: 'uint', array: Uint8Array, npy: '|u1' },
  uint16: { onnx: 4, bits: 16, kind: 'uint', array: Uint16Array, npy: '<u2' },
  uint32: { onnx: 12, bits: 32, kind: 'uint', array: Uint32Array, npy: '<u4' },
  uint64: { onnx: 13, bits: 64, kind: 'uint', array: BigUint64Array, npy: '<u8' },
  float8_e4m3fn: { onnx: 17, bits: 8, kind: 'float', array: Uint8Array, npy: null },
  float8_e4m3fnuz: { onnx: 18, bits: 8, kind: 'float', array: Uint8Array, npy: null },
  float8_e5m2: { onnx: 19, bits: 8, kind: 'float', array: Uint8Array, npy: null },
  float8_e5m2fnuz: { onnx: 20, bits: 8, kind: 'float', array: Uint8Array, npy: null },
  float16: { onnx: 10, bits: 16, kind: 'float', array: Uint16Array, npy: '<f2' },
  bfloat16: { onnx: 16, bits: 16, kind: 'float', array: Uint16Array, npy: null },
  float32: { onnx: 1, bits: 32, kind: 'float', array: Float32Array, npy: '<f4' },
  float64: { onnx: 11, bits: 64, kind: 'float', array: Float64Array, npy: '<f8' },
  complex64: { onnx: 14, bits: 64, kind: 'complex', array: Float32Array, npy: '<c8' },
  complex128: { onnx: 15, bits: 128, kind: 'complex', array: Float64Array, npy: '<c16' },
  string: { onnx: 8, bits: 0, kind: 'string', array: Array<string>, npy: null },
} as const

export type DType = keyof typeof DTYPES
export type DTypeKind = (typeof DTYPES)[DType]['kind']
type RowOf<D extends DType> = (typeof DTYPES)[D]
/** The in-memory array of a dtype. */
export type ArrayOf<D extends DType> = InstanceType<RowOf<D>['array']>
export type TypedArray = Exclude<ArrayOf<DType>, string[]>

const BY_ONNX: ReadonlyMap<number, DType> = new Map(
  (Object.keys(DTYPES) as DType[]).map((dtype) => [DTYPES[dtype].onnx, dtype]),
)

export function isDType(name: string): name is DType {
  return Object.hasOwn(DTYPES, name)
}

/** The dtype of an ONNX `TensorProto.DataType` number, or undefined. */
export function dtypeFromOnnx(code: number): DType | undefined {
  return BY_ONNX.get(code)
}

export function isFloat(dtype: DType): boolean {
  return DTYPES[dtype].kind === 'float'
}

export function isInteger(dtype: DType): boolean {
  const { kind } = DTYPES[dtype]
  return kind === 'int' || kind === 'uint'
}

/** Array slots that one element takes in memory: 2 for complex, else 1. */
export function slotsPerElement(dtype: DType): number {
  return DTYPES[dtype].kind === 'complex' ? 2 : 1
}

/** Bytes that `count` elements take when packed in a file (4-bit types share bytes). */
export function packedByteLength(dtype: DType, count: number): number {
  return Math.ceil((DTYPES[dtype].bits * count) / 8)
}

/** A zeroed array (empty strings for `string`) for `count` elements. */
export function allocate<D extends DType>(dtype: D, count: number): ArrayOf<D> {
  if (dtype === 'string') return Array.from({ length: count }, () => '') as ArrayOf<D>
  const Constructor = DTYPES[dtype].array as new (length: number) => TypedArray
  return new Constructor(count * slotsPerElement(dtype)) as ArrayOf<D>
}
