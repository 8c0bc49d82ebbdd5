import { type ProtoMessage, ProtoWriter } from '../bytes/protobuf.ts'
import { RekindleError } from '../errors.ts'
import {
  allocate,
  DTYPES,
  type DType,
  dtypeFromOnnx,
  packedByteLength,
  sizeOf,
  slotsPerElement,
  Tensor,
  type TypedArray,
} from '../tensor/index.ts'
import { TENSOR } from './schema.ts'

/** A `TensorProto`. Its bytes are views on the tensor's memory, except for strings and packed 4-bit integers. */
export function encodeTensor(tensor: Tensor, name: string): ProtoWriter {
  const out = new ProtoWriter()
  if (tensor.shape.length > 0) out.packedVarints(TENSOR.dims, tensor.shape)
  out.varint(TENSOR.dataType, DTYPES[tensor.dtype].onnx)
  if (tensor.dtype === 'string') for (const text of tensor.data as string[]) out.string(TENSOR.stringData, text)
  if (name !== '') out.string(TENSOR.name, name)
  if (tensor.dtype !== 'string') out.bytes(TENSOR.rawData, rawBytes(tensor))
  return out
}

/** The little-endian bytes of a tensor as files hold them. */
function rawBytes({ dtype, data }: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = data as TypedArray
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  return DTYPES[dtype].bits === 4 ? packNibbles(dtype, bytes) : bytes
}

/** Two 4-bit elements a byte, the first in the low half. */
function packNibbles(dtype: DType, elements: Uint8Array): Uint8Array {
  const packed = new Uint8Array(packedByteLength(dtype, elements.length))
  for (const [i, element] of elements.entries()) {
    packed[i >> 1] = (packed[i >> 1] as number) | ((element & 15) << (i % 2 === 0 ? 0 : 4))
  }
  return packed
}

/**
 * The tensor of a `TensorProto`, a view on its bytes where their alignment allows it.
 *
 * @throws RekindleError `E_INVALID_ONNX` when its data do not fit its shape, `E_UNSUPPORTED_FORMAT` for external data.
 */
export function decodeTensor(message: ProtoMessage, name: string): Tensor {
  const code = message.int(TENSOR.dataType) ?? 0
  const dtype = dtypeFromOnnx(code)
  if (dtype === undefined)
    throw new RekindleError('E_UNSUPPORTED_DTYPE', `ONNX tensor ${name}`, { received: `${code}` })
  if (message.has(TENSOR.externalData) || message.int(TENSOR.dataLocation) === 1) {
    throw new RekindleError('E_UNSUPPORTED_FORMAT', `ONNX tensor ${name} is kept in another file`)
  }
  const shape = message.ints(TENSOR.dims)
  const count = sizeOf(shape)
  if (shape.some((dim) => dim < 0) || !Number.isSafeInteger(count)) throw invalid(`shape [${shape}] of tensor ${name}`)
  const raw = message.bytes(TENSOR.rawData)
  const data = raw === undefined ? listedData(message, dtype, count, name) : rawData(raw, dtype, count, name)
  return new Tensor(dtype, shape, data)
}

export function invalid(what: string, expected?: string, received?: string): RekindleError {
  const details = { ...(expected !== undefined && { expected }), ...(received !== undefined && { received }) }
  return new RekindleError('E_INVALID_ONNX', `ONNX model: ${what}`, details)
}

function rawData(bytes: Uint8Array, dtype: DType, count: number, name: string): TypedArray {
  const length = packedByteLength(dtype, count)
  if (dtype === 'string' || bytes.length !== length) {
    throw invalid(`bytes of ${dtype} tensor ${name}`, String(length), String(bytes.length))
  }
  if (DTYPES[dtype].bits === 4) return unpackNibbles(dtype, bytes, count)
  const Constructor = DTYPES[dtype].array as unknown as {
    new (buffer: ArrayBufferLike, offset: number, length: number): TypedArray
    readonly BYTES_PER_ELEMENT: number
  }
  // Not `slice`: on Node's Buffer that is a view too.
  const aligned = bytes.byteOffset % Constructor.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes)
  return new Constructor(aligned.buffer, aligned.byteOffset, count * slotsPerElement(dtype))
}

function unpackNibbles(dtype: DType, bytes: Uint8Array, count: number): TypedArray {
  const elements = allocate(dtype, count) as TypedArray
  for (let i = 0; i < count; i++) {
    const nibble = ((bytes[i >> 1] as number) >> (i % 2 === 0 ? 0 : 4)) & 15
    // The shift up and down again repeats the sign bit.
    elements[i] = dtype === 'int4' ? (nibble << 28) >> 28 : nibble
  }
  return elements
}

/** The elements of a tensor that lists them one by one in the field of its dtype. */
function listedData(message: ProtoMessage, dtype: DType, count: number, name: string): TypedArray | string[] {
  if (dtype === 'string') {
    const texts = message.strings(TENSOR.stringData)
    if (texts.length === count) return texts
    throw invalid(`values of string tensor ${name}`, String(count), String(texts.length))
  }
  const nibbles = DTYPES[dtype].bits === 4
  const slots = nibbles ? packedByteLength(dtype, count) : count * slotsPerElement(dtype)
  const field = LIST_FIELDS[dtype] ?? TENSOR.int32Data
  // Every value takes at least a byte: a shape that promises more is refused before anything is allocated.
  if (slots > message.byteLength(field)) throw invalid(`values of ${dtype} tensor ${name}`, String(slots), 'fewer')
  const data = nibbles ? new Uint8Array(slots) : (allocate(dtype, count) as TypedArray)
  const big = data instanceof BigInt64Array || data instanceof BigUint64Array
  const target = data as unknown as (number | bigint)[]
  let filled = 0
  for (const value of listedValues(message, field)) {
    if (filled === slots) throw invalid(`values of ${dtype} tensor ${name}`, String(slots), 'more')
    target[filled++] = big ? value : Number(value)
  }
  if (filled < slots) throw invalid(`values of ${dtype} tensor ${name}`, String(slots), String(filled))
  return nibbles ? unpackNibbles(dtype, data as Uint8Array, count) : data
}

/** Where a dtype's elements are listed; all others, raw half floats and packed 4-bit pairs too, are in int32_data. */
const LIST_FIELDS: { readonly [D in DType]?: number } = {
  float32: TENSOR.floatData,
  complex64: TENSOR.floatData,
  float64: TENSOR.doubleData,
  complex128: TENSOR.doubleData,
  int64: TENSOR.int64Data,
  uint64: TENSOR.uint64Data,
  uint32: TENSOR.uint64Data,
}

function listedValues(message: ProtoMessage, field: number): Generator<number | bigint> {
  if (field === TENSOR.floatData) return message.eachFloat(field)
  return field === TENSOR.doubleData ? message.eachDouble(field) : message.eachBigint(field)
}
