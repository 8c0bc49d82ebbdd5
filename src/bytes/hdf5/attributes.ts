import { Tensor } from '../../tensor/index.ts'
import { walkRecords } from './btree-v2.ts'
import { decodeText } from './cursor.ts'
import { elementCount, parseDataspace } from './dataspace.ts'
import { parseDatatype } from './datatype.ts'
import { numbersOver, readStrings } from './elements.ts'
import { openFractalHeap } from './fractal-heap.ts'
import type { GlobalHeap } from './global-heap.ts'
import { findMessage, MESSAGE, type ObjectHeader } from './object-header.ts'
import type { H5Reader } from './reader.ts'
import type { SharedMessages } from './shared-message.ts'
import type { H5Attribute } from './types.ts'

const ATTRIBUTE_NAME_RECORDS = 8
const HEAP_ID_BYTES = 8
const FLAG_SHARED_TYPE = 0x01
const FLAG_SHARED_SPACE = 0x02
const RECORD_SHARED = 0x02

/** The heaps that parts of an object may be kept in. */
export interface FileHeaps {
  readonly globalHeap: GlobalHeap
  readonly shared: SharedMessages
}

interface StoredAttribute {
  readonly body: Uint8Array
  readonly order: number | undefined
}

/** The attributes of an object: in the order of their making where the file tracks it, else as stored. */
export async function readAttributes(
  reader: H5Reader,
  heaps: FileHeaps,
  header: ObjectHeader,
): Promise<ReadonlyMap<string, H5Attribute>> {
  const stored: StoredAttribute[] = []
  for (const message of header.messages) {
    if (message.type !== MESSAGE.attribute) continue
    stored.push({ body: (await heaps.shared.body(reader, message)).bytes, order: message.creationOrder })
  }
  for await (const attribute of denseAttributes(reader, heaps, header)) stored.push(attribute)
  if (stored.every(({ order }) => order !== undefined)) stored.sort((a, b) => (a.order as number) - (b.order as number))
  const attributes = new Map<string, H5Attribute>()
  for (const { body } of stored) {
    const [name, value] = await parseAttribute(reader, heaps, body)
    if (attributes.has(name)) throw reader.invalid(`two attributes are called ${JSON.stringify(name)}`)
    attributes.set(name, value)
  }
  return attributes
}

/** Many or large attributes are kept in a heap of their own. */
async function* denseAttributes(
  reader: H5Reader,
  heaps: FileHeaps,
  header: ObjectHeader,
): AsyncGenerator<StoredAttribute> {
  const info = findMessage(header, MESSAGE.attributeInfo)
  if (info === undefined) return
  const cursor = reader.over(info.body).version('attribute info', 0)
  const tracksOrder = (cursor.u8() & 0x01) !== 0
  if (tracksOrder) cursor.skip(2)
  const heapAddress = cursor.address()
  const treeAddress = cursor.address()
  if (heapAddress === undefined || treeAddress === undefined) return
  const heap = await openFractalHeap(reader, heapAddress)
  for await (const record of walkRecords(reader, treeAddress, ATTRIBUTE_NAME_RECORDS)) {
    const fields = reader.over(record)
    const id = fields.take(HEAP_ID_BYTES)
    const flags = fields.u8()
    const order = fields.u32()
    const object = await heap.read(reader, id)
    const body = flags & RECORD_SHARED ? await heaps.shared.follow(reader, MESSAGE.attribute, object) : object
    yield { body, order: tracksOrder ? order : undefined }
  }
}

async function parseAttribute(reader: H5Reader, heaps: FileHeaps, body: Uint8Array): Promise<[string, H5Attribute]> {
  const cursor = reader.over(body)
  const version = cursor.u8()
  if (version < 1 || version > 3) throw cursor.unsupported(`attribute version ${version}`)
  const flags = cursor.u8()
  const sizes = [cursor.u16(), cursor.u16(), cursor.u16()]
  if (version === 3) cursor.skip(1)
  const [nameBytes, typeBytes, spaceBytes] = sizes.map((size) => {
    const part = cursor.take(size)
    // version 1 pads each part to 8 bytes
    if (version === 1) cursor.skip((8 - (size % 8)) % 8)
    return part
  }) as [Uint8Array, Uint8Array, Uint8Array]
  const name = decodeText(nameBytes).replace(/\0.*$/s, '')
  const own = reader.within(`${reader.where}@${name}`)
  const part = async (type: number, bytes: Uint8Array, shared: number): Promise<Uint8Array> =>
    version > 1 && flags & shared ? heaps.shared.follow(own, type, bytes) : bytes
  const typeCursor = own.over(await part(MESSAGE.datatype, typeBytes, FLAG_SHARED_TYPE))
  const { element, dims } = parseDatatype(typeCursor)
  const spaceCursor = own.over(await part(MESSAGE.dataspace, spaceBytes, FLAG_SHARED_SPACE))
  const space = parseDataspace(spaceCursor)
  if (space.isNull) return [name, null]
  const shape = [...space.shape, ...dims]
  const count = elementCount(spaceCursor, shape)
  // the values get memory of their own: the page that they come from may be large
  const bytes = new Uint8Array(own.over(cursor.rest()).take(count * element.size))
  own.budget.visit(bytes.length, own.where)
  switch (element.kind) {
    case 'number': {
      const data = numbersOver(bytes, element.dtype, count, element.bigEndian)
      return [name, new Tensor(element.dtype, shape, data)]
    }
    case 'string':
    case 'variable-string': {
      const strings = await readStrings(own, heaps.globalHeap, element, bytes, own.budget)
      if (shape.length === 0) return [name, strings[0] as string]
      return [name, shape.length === 1 ? strings : new Tensor('string', shape, strings)]
    }
    default:
      return [name, { opaque: bytes, shape }]
  }
}
