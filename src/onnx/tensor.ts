import { ProtoWriter } from '../bytes/protobuf.ts'
import { DTYPES, type DType, packedByteLength, type Tensor, type TypedArray } from '../tensor/index.ts'
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
