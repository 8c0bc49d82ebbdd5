import { DTYPES, type DType, isDType, Tensor } from '../../tensor/index.ts'
import { type FileHeaps, readAttributes } from './attributes.ts'
import { readChunked } from './chunked.ts'
import { type Dataspace, elementCount, parseDataspace } from './dataspace.ts'
import { type Datatype, describeType, type ElementType, parseDatatype } from './datatype.ts'
import { numbersOver, readStrings } from './elements.ts'
import { fillWith, parseFillValue, parseOldFillValue } from './fill-value.ts'
import { type Filter, parseFilters } from './filters.ts'
import { type Layout, parseLayout } from './layout.ts'
import { type Budget, expansionBudget, metadataBudget } from './limits.ts'
import { memoize } from './memo.ts'
import { findMessage, MESSAGE, type ObjectHeader } from './object-header.ts'
import { H5Reader } from './reader.ts'
import type { H5Attribute, H5Dataset, H5Storage, H5Type } from './types.ts'

/** What the header of a dataset says. */
interface Description {
  readonly space: Dataspace
  readonly datatype: Datatype
  readonly layout: Layout
  readonly external: boolean
  readonly filters: readonly Filter[]
  readonly fill: Uint8Array | undefined
  readonly shape: readonly number[]
  /** Elements of the shape. */
  readonly count: number
}

export function isDatasetHeader(header: ObjectHeader): boolean {
  return findMessage(header, MESSAGE.layout) !== undefined
}

export async function openDataset(reader: H5Reader, heaps: FileHeaps, header: ObjectHeader): Promise<DatasetNode> {
  return new DatasetNode(reader, heaps, header, await describe(reader, heaps, header))
}

async function describe(reader: H5Reader, heaps: FileHeaps, header: ObjectHeader): Promise<Description> {
  const optional = async (type: number) => {
    const message = findMessage(header, type)
    return message && (await heaps.shared.body(reader, message))
  }
  const required = async (type: number, what: string) => {
    const cursor = await optional(type)
    if (cursor === undefined) throw reader.invalid(`a dataset has no ${what}`)
    return cursor
  }
  const spaceCursor = await required(MESSAGE.dataspace, 'shape')
  const space = parseDataspace(spaceCursor)
  const datatype = parseDatatype(await required(MESSAGE.datatype, 'type'))
  const layout = parseLayout(await required(MESSAGE.layout, 'layout'))
  const filterCursor = await optional(MESSAGE.filterPipeline)
  const fillCursor = await optional(MESSAGE.fillValue)
  const oldFillCursor = await optional(MESSAGE.oldFillValue)
  const shape = [...space.shape, ...datatype.dims]
  return {
    space,
    datatype,
    layout,
    external: findMessage(header, MESSAGE.externalFiles) !== undefined,
    filters: filterCursor ? parseFilters(filterCursor) : [],
    fill: fillCursor ? parseFillValue(fillCursor) : oldFillCursor && parseOldFillValue(oldFillCursor),
    shape,
    count: elementCount(spaceCursor, shape),
  }
}

export class DatasetNode implements H5Dataset {
  readonly kind = 'dataset'
  readonly path: string
  readonly address: number
  readonly type: H5Type
  readonly shape: readonly number[]
  readonly storage: H5Storage
  readonly contiguous: { readonly offset: number; readonly length: number } | undefined
  readonly attributes: () => Promise<ReadonlyMap<string, H5Attribute>>
  readonly #reader: H5Reader
  readonly #heaps: FileHeaps
  readonly #description: Description

  constructor(reader: H5Reader, heaps: FileHeaps, header: ObjectHeader, description: Description) {
    const { datatype, layout, external, shape, count } = description
    const { element } = datatype
    this.path = reader.where
    this.address = header.address
    this.type = describeType(element)
    this.shape = shape
    this.storage = external ? 'external' : layout.kind
    this.attributes = memoize(() => readAttributes(reader, heaps, header))
    this.#reader = reader
    this.#heaps = heaps
    this.#description = description
    const isPlain = element.kind === 'opaque' || (element.kind === 'number' && !(element.bigEndian && element.size > 1))
    this.contiguous =
      isPlain && !external && layout.kind === 'contiguous' && layout.address !== undefined
        ? { offset: layout.address, length: count * element.size }
        : undefined
  }

  async dtype(): Promise<DType | undefined> {
    const { element } = this.#description.datatype
    switch (element.kind) {
      case 'number':
        return element.dtype
      case 'string':
      case 'variable-string':
        return 'string'
      case 'opaque':
        return (await this.#namedDtype(element)) ?? 'uint8'
      case 'other':
        return undefined
    }
  }

  async read(): Promise<Tensor> {
    const { datatype, shape, count } = this.#description
    const { element } = datatype
    const { limits, source } = this.#reader.file
    // every reading pays for itself: asking twice is no attack
    const reader = new H5Reader(this.#reader.file, this.path, metadataBudget(limits, source.size))
    const expansion = expansionBudget(limits, source.size)
    if (element.kind === 'other') throw reader.unsupported(`data of type ${element.description}`)
    const bytes = await this.#bytes(reader, expansion)
    switch (element.kind) {
      case 'number':
        return new Tensor(element.dtype, shape, numbersOver(bytes, element.dtype, count, element.bigEndian))
      case 'opaque': {
        const dtype = await this.#namedDtype(element)
        return dtype === undefined
          ? new Tensor('uint8', [...shape, element.size], numbersOver(bytes, 'uint8', bytes.length, false))
          : new Tensor(dtype, shape, numbersOver(bytes, dtype, count, false))
      }
      default:
        return new Tensor('string', shape, await readStrings(reader, this.#heaps.globalHeap, element, bytes, expansion))
    }
  }

  /** The dtype that an attribute gives to opaque bytes: types that HDF5 lacks are kept so. */
  async #namedDtype({ size }: ElementType): Promise<DType | undefined> {
    const name = (await this.attributes()).get('dtype')
    if (typeof name !== 'string' || !isDType(name)) return undefined
    return DTYPES[name].kind === 'float' && DTYPES[name].bits === size * 8 ? name : undefined
  }

  async #bytes(reader: H5Reader, expansion: Budget): Promise<Uint8Array> {
    const { space, datatype, layout, external, filters, fill, count, shape } = this.#description
    const elementBytes = datatype.element.size
    const total = count * elementBytes
    if (external) throw reader.unsafe('the data is in other files, which are never opened')
    if (layout.kind === 'virtual') throw reader.unsafe('the data is a view of other files, which are never opened')
    reader.checkSize('the data', total)
    if (total === 0) return new Uint8Array(0)
    // an array type is one element to chunks and fill values
    const cellBytes = datatype.dims.reduce((product, dim) => product * dim, elementBytes)
    if (fill !== undefined && fill.length !== cellBytes) {
      throw reader.invalid('the fill value has another size', { expected: `${cellBytes}`, received: `${fill.length}` })
    }
    switch (layout.kind) {
      case 'compact':
        if (layout.data.length < total) {
          throw reader.invalid(`a shape of [${shape.join(', ')}] needs more data`, {
            expected: `${total} bytes`,
            received: `${layout.data.length}`,
          })
        }
        return new Uint8Array(layout.data.subarray(0, total))
      case 'contiguous': {
        if (layout.address !== undefined) {
          reader.checkRange(layout.address, total)
          return reader.file.source.read(layout.address, total)
        }
        expansion.spend(total, reader.where)
        const bytes = new Uint8Array(total)
        fillWith(bytes, fill)
        return bytes
      }
      case 'chunked': {
        const { shape, maxShape } = space
        return readChunked(
          reader,
          { layout, shape, maxShape, elementBytes: cellBytes, filters, fill },
          total,
          expansion,
        )
      }
    }
  }
}
