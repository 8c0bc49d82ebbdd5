import { RekindleError } from '../../../errors.ts'
import { formatShape, packedByteLength, sameShape, sizeOf } from '../../../tensor/index.ts'
import { HDF5_LIMITS } from '../limits.ts'
import { MESSAGE } from '../object-header.ts'
import type { H5WriteAttribute, H5WriteDataset, H5WriteGroup } from '../types.ts'
import { ByteWriter } from './byte-writer.ts'
import { encodeDataspace, encodeDatatype } from './datatypes.ts'
import { bytesOf, HeaderWriter } from './header.ts'
import { INTERNAL_K, LEAF_K, type Member, type SymbolTable, writeSymbolTable } from './symbol-table.ts'
import { TextHeap } from './text-heap.ts'

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
const SUPERBLOCK_BYTES = 96
/** Data starts on a cache line, so that a reader can use it in place. */
const DATA_ALIGNMENT = 64
const MOST_DIMENSIONS = 32

export interface Hdf5Plan {
  /** Bytes of the whole file. */
  readonly size: number
  /** The file from its first byte to its last; each dataset is loaded when its turn comes. */
  chunks(): AsyncIterable<Uint8Array>
}

interface PlacedDataset {
  readonly dataset: H5WriteDataset
  readonly path: string
  readonly length: number
  /** Where the image wants the address of the data. */
  readonly addressField: number
}

/** The structure of the file as it grows; data follows behind it. */
interface Image {
  readonly bytes: ByteWriter
  readonly texts: TextHeap
  readonly datasets: PlacedDataset[]
}

/**
 * Plans a file in the layout that h5py and Keras write by default (superblock 0, symbol tables, contiguous data), so
 * that every HDF5 library reads it. All sizes are known before the first byte; the same tree gives the same bytes.
 *
 * Texts of any length are fine; a list of texts may have about 4,000, numbers in an attribute 64 KB.
 *
 * @throws RekindleError `E_UNSUPPORTED_DTYPE`, `E_INVALID_ARGUMENT` for impossible names, `E_LIMIT`; `chunks` throws
 *   `E_INVALID_DTYPE` or `E_INVALID_SHAPE` when a dataset loads something else than it announced.
 */
export function planHdf5(root: H5WriteGroup): Hdf5Plan {
  const bytes = new ByteWriter().zeros(SUPERBLOCK_BYTES)
  const image: Image = { bytes, texts: new TextHeap(bytes), datasets: [] }
  const { address, table } = writeGroup(image, root, '/', 0)
  image.texts.finish()
  let end = bytes.position
  const placed: { readonly at: number; readonly entry: PlacedDataset }[] = []
  for (const entry of image.datasets) {
    if (entry.length === 0) continue
    const at = Math.ceil(end / DATA_ALIGNMENT) * DATA_ALIGNMENT
    bytes.setU64(entry.addressField, at)
    placed.push({ at, entry })
    end = at + entry.length
  }
  const structure = bytes.bytes
  structure.set(superblock(end, address, table))
  return {
    size: end,
    async *chunks() {
      yield structure
      let position = structure.length
      for (const { at, entry } of placed) {
        if (at > position) yield new Uint8Array(at - position)
        yield await loadBytes(entry)
        position = at + entry.length
      }
    },
  }
}

function superblock(size: number, root: number, table: SymbolTable): Uint8Array {
  const writer = new ByteWriter()
    .u8(...SIGNATURE)
    .u8(0, 0, 0, 0, 0, 8, 8, 0)
    .u16(LEAF_K)
    .u16(INTERNAL_K)
    .u32(0)
  writer.u64(0).undefinedAddress().u64(size).undefinedAddress()
  return writer.u64(0).u64(root).u32(1).u32(0).u64(table.tree).u64(table.heap).bytes
}

function writeGroup(
  image: Image,
  group: H5WriteGroup,
  path: string,
  depth: number,
): { address: number; table: SymbolTable } {
  if (depth > HDF5_LIMITS.depth) {
    throw new RekindleError('E_LIMIT', 'groups are nested too deeply', {
      where: path,
      expected: `at most ${HDF5_LIMITS.depth} levels`,
    })
  }
  const members: Member[] = []
  for (const [name, child] of group.children) {
    checkName(name, path)
    const childPath = path === '/' ? `/${name}` : `${path}/${name}`
    const { address, table } =
      child.kind === 'group'
        ? writeGroup(image, child, childPath, depth + 1)
        : { address: writeDataset(image, child, childPath), table: undefined }
    members.push({ name, address, table })
  }
  const table = writeSymbolTable(image.bytes, members)
  const header = new HeaderWriter(image.bytes, path)
  header.message(MESSAGE.symbolTable, () => image.bytes.u64(table.tree).u64(table.heap))
  header.attributes(group.attributes, image.texts)
  header.finish()
  return { address: header.address, table }
}

function checkName(name: string, where: string): void {
  if (name !== '' && name !== '.' && !/[/\0]|\p{Surrogate}/u.test(name)) return
  throw new RekindleError('E_INVALID_ARGUMENT', 'a member cannot have this name', {
    where,
    expected: 'well-formed text without "/"',
    received: JSON.stringify(name),
  })
}

function writeDataset(image: Image, dataset: H5WriteDataset, path: string): number {
  const { bytes } = image
  const { dtype, shape } = dataset
  if (shape.length > MOST_DIMENSIONS || shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0)) {
    throw new RekindleError('E_INVALID_SHAPE', 'a dataset cannot have this shape', {
      where: path,
      received: formatShape(shape),
    })
  }
  const datatype = encodeDatatype(dtype, path)
  const length = packedByteLength(dtype, sizeOf(shape))
  const header = new HeaderWriter(bytes, path)
  header.message(MESSAGE.dataspace, () => bytes.put(encodeDataspace(shape)))
  header.message(MESSAGE.datatype, () => bytes.put(datatype), true)
  // version 2: space is allocated late, the fill value is written if set, and it is the default (zero)
  header.message(MESSAGE.fillValue, () => bytes.u8(2, 2, 2, 1).u32(0), true)
  header.message(MESSAGE.layout, () => {
    bytes.u8(3, 1)
    image.datasets.push({ dataset, path, length, addressField: bytes.position })
    bytes.undefinedAddress().u64(length)
  })
  header.attributes(attributesOf(dataset), image.texts)
  header.finish()
  return header.address
}

function attributesOf({ dtype, attributes }: H5WriteDataset): ReadonlyMap<string, H5WriteAttribute> | undefined {
  if (dtype !== 'bfloat16') return attributes
  return new Map([...(attributes ?? []), ['dtype', dtype]])
}

async function loadBytes({ dataset, path, length }: PlacedDataset): Promise<Uint8Array> {
  const tensor = await dataset.load()
  if (tensor.dtype !== dataset.dtype || !sameShape(tensor.shape, dataset.shape)) {
    throw new RekindleError(
      tensor.dtype === dataset.dtype ? 'E_INVALID_SHAPE' : 'E_INVALID_DTYPE',
      'the data is not what was announced',
      {
        where: path,
        expected: `${dataset.dtype} ${formatShape(dataset.shape)}`,
        received: `${tensor.dtype} ${formatShape(tensor.shape)}`,
      },
    )
  }
  return bytesOf(tensor).subarray(0, length)
}
