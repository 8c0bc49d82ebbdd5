import { RekindleError } from '../errors.ts'
import { type DType, type Shape, sizeOf, slotsPerElement, stridesOf, Tensor } from '../tensor/index.ts'
import { LIMITS } from './limits.ts'
import { encodeElements, longestText, type NpyType, npyDescr, npyType } from './npy-dtype.ts'
import { type PythonLiteral, parsePythonLiteral } from './python-literal.ts'
import type { Source } from './source.ts'
import type { PlannedFile } from './zip/types.ts'

/** A tensor that is read when it is asked for. */
export interface StoredTensor {
  readonly dtype: DType
  readonly shape: Shape
  load(): Promise<Tensor>
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const
/** Magic, then two bytes of version. */
const PREFIX = MAGIC.length + 2
/** Bytes of the header's own length, by major version. */
const LENGTH_BYTES: { readonly [major: number]: 2 | 4 } = { 1: 2, 2: 4, 3: 4 }
/** numpy 2's own limit. */
const LARGEST_RANK = 64
/** numpy starts the data on a multiple of this. */
const ALIGNMENT = 64

/** True when a file begins like an `.npy` array. */
export function isNpy(head: Uint8Array): boolean {
  return head.length >= MAGIC.length && MAGIC.every((byte, i) => head[i] === byte)
}

/**
 * Opens an `.npy` file of version 1, 2 or 3: only its header is read. Fortran order and big-endian data are converted
 * on `load`; little-endian data of a source in memory is a view where its alignment allows.
 * @throws RekindleError `E_INVALID_NPY`, `E_TRUNCATED`, `E_UNSUPPORTED_DTYPE`; `E_UNSAFE_CODE` for object arrays.
 */
export async function openNpy(source: Source): Promise<StoredTensor> {
  const { name } = source
  const { text, dataOffset } = await readHeader(source)
  const { type, shape, fortranOrder } = parseHeader(text, name)
  const count = sizeOf(shape)
  const byteLength = count * type.itemSize
  if (!(byteLength <= source.size - dataOffset)) {
    throw new RekindleError('E_TRUNCATED', 'the array is cut off', {
      where: name,
      expected: `${byteLength} bytes of data`,
      received: String(source.size - dataOffset),
    })
  }
  return {
    dtype: type.dtype,
    shape,
    async load() {
      const data = type.decode(await source.read(dataOffset, byteLength), count)
      if (!fortranOrder) return new Tensor(type.dtype, shape, data)
      return fromFortranOrder(new Tensor(type.dtype, shape, data))
    },
  }
}

/** The whole array of an `.npy` file. */
export async function readNpy(source: Source): Promise<Tensor> {
  return (await openNpy(source)).load()
}

async function readHeader(source: Source): Promise<{ text: string; dataOffset: number }> {
  const { name } = source
  const prefix = await source.read(0, PREFIX)
  if (!isNpy(prefix)) throw new RekindleError('E_INVALID_NPY', 'not an .npy file', { where: name })
  const major = prefix[MAGIC.length] as number
  const lengthBytes = LENGTH_BYTES[major]
  if (lengthBytes === undefined) {
    throw new RekindleError('E_INVALID_NPY', 'the version of the .npy file', {
      where: name,
      expected: '1, 2 or 3',
      received: String(major),
    })
  }
  const field = await source.read(PREFIX, lengthBytes)
  const view = new DataView(field.buffer, field.byteOffset, lengthBytes)
  const length = lengthBytes === 2 ? view.getUint16(0, true) : view.getUint32(0, true)
  if (length > LIMITS.npyHeader) {
    throw new RekindleError('E_LIMIT', 'the .npy header is too long', {
      where: name,
      expected: `at most ${LIMITS.npyHeader} bytes`,
      received: `${length} bytes`,
    })
  }
  const bytes = await source.read(PREFIX + lengthBytes, length)
  const text = new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(bytes)
  return { text, dataOffset: PREFIX + lengthBytes + length }
}

function parseHeader(text: string, where: string): { type: NpyType; shape: Shape; fortranOrder: boolean } {
  let header: PythonLiteral
  try {
    header = parsePythonLiteral(text)
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause)
    throw new RekindleError('E_INVALID_NPY', 'the header is not readable', { where, received, cause })
  }
  const field = (key: string): PythonLiteral | undefined => (header instanceof Map ? header.get(key) : undefined)
  const [descr, fortranOrder, shape] = [field('descr'), field('fortran_order'), field('shape')]
  if (Array.isArray(descr)) {
    throw new RekindleError('E_UNSUPPORTED_DTYPE', 'the array holds records', {
      where,
      hint: 'save each field as an array of its own',
    })
  }
  if (typeof descr !== 'string' || typeof fortranOrder !== 'boolean' || !isShape(shape)) {
    throw new RekindleError('E_INVALID_NPY', 'the header is not that of an array', {
      where,
      expected: 'descr, fortran_order and shape',
      received: JSON.stringify(text.trim().slice(0, 80)),
    })
  }
  return { type: npyType(descr, where), shape, fortranOrder }
}

function isShape(value: PythonLiteral | undefined): value is number[] {
  if (!Array.isArray(value) || value.length > LARGEST_RANK) return false
  if (!value.every((dim) => Number.isSafeInteger(dim) && (dim as number) >= 0)) return false
  return Number.isSafeInteger(sizeOf(value as number[]))
}

/** The same array in row-major order. */
function fromFortranOrder<D extends DType>(columns: Tensor<D>): Tensor<D> {
  const { dtype, shape } = columns
  const width = slotsPerElement(dtype)
  const source: ArrayLike<unknown> = columns.data
  const out = columns.clone()
  const target = out.data as { [slot: number]: unknown }
  // In column-major order the strides are those of the reversed shape, reversed.
  const steps = stridesOf([...shape].reverse()).reverse()
  const index = new Array<number>(shape.length).fill(0)
  let from = 0
  for (let to = 0; to < columns.size; to++) {
    for (let slot = 0; slot < width; slot++) target[to * width + slot] = source[from * width + slot]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = steps[axis] as number
      const position = (index[axis] as number) + 1
      from += step
      if (position < (shape[axis] as number)) {
        index[axis] = position
        break
      }
      from -= step * position
      index[axis] = 0
    }
  }
  return out
}

/**
 * An `.npy` file whose data is loaded when its turn comes; the bytes are those of `numpy.save`.
 * Text is loaded at once, because its width stands in the header.
 * @throws RekindleError `E_UNSUPPORTED_DTYPE` for types that numpy lacks (bfloat16, float8, 4-bit integers).
 */
export async function planNpy(stored: StoredTensor, where = 'npy'): Promise<PlannedFile> {
  const { dtype, shape } = stored
  const text = dtype === 'string' ? ((await stored.load()).data as string[]) : []
  const textLength = longestText(text)
  const { descr, itemSize } = npyDescr(dtype, textLength, where)
  const header = encodeHeader(descr, shape)
  return {
    size: header.length + sizeOf(shape) * itemSize,
    async *chunks() {
      yield header
      yield encodeElements(await stored.load(), textLength)
    },
  }
}

/** A tensor as the bytes of an `.npy` file. */
export async function encodeNpy(tensor: Tensor): Promise<Uint8Array> {
  const plan = await planNpy({ dtype: tensor.dtype, shape: tensor.shape, load: async () => tensor })
  const out = new Uint8Array(plan.size)
  let at = 0
  for await (const chunk of plan.chunks()) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

/** numpy leaves room for the first axis to grow to 21 digits, then pads to the alignment. */
const GROWTH_DIGITS = 21

function encodeHeader(descr: string, shape: Shape): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const growth = shape.length === 0 ? 0 : GROWTH_DIGITS - String(shape[0]).length
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }${' '.repeat(growth)}`
  // Rank is at most 64, so that version 1 and its 16-bit length are always enough.
  const unpadded = PREFIX + 2 + text.length + 1
  const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT
  const length = text.length + padding + 1
  const fields = [...MAGIC, 1, 0, length & 0xff, length >> 8]
  return Uint8Array.from([...fields, ...new TextEncoder().encode(`${text}${' '.repeat(padding)}\n`)])
}
