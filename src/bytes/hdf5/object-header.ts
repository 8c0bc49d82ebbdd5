import type { Cursor } from './cursor.ts'
import { type H5Reader, VisitedPlaces } from './reader.ts'

/** The kinds of header messages that we know by name. */
export const MESSAGE = {
  nil: 0x00,
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFillValue: 0x04,
  fillValue: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  groupInfo: 0x0a,
  filterPipeline: 0x0b,
  attribute: 0x0c,
  sharedMessageTable: 0x0f,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const

const LAST_KNOWN_MESSAGE = 0x18
const FLAG_SHARED = 0x02
const FLAG_FAIL_IF_UNKNOWN = 0x80

export interface HeaderMessage {
  readonly type: number
  /** The body is a reference to a message that lives elsewhere. */
  readonly shared: boolean
  readonly body: Uint8Array
  /** Order in which attributes were made, where the file tracks it. */
  readonly creationOrder: number | undefined
}

export interface ObjectHeader {
  readonly address: number
  readonly messages: readonly HeaderMessage[]
}

interface Block {
  readonly offset: number
  readonly length: number
}

/** The header of an object with all its continuation blocks. */
export async function readObjectHeader(reader: H5Reader, address: number): Promise<ObjectHeader> {
  const prefix = await reader.cursorUpTo(address, 16)
  const newStyle = prefix.bytes[0] === 0x4f
  return {
    address,
    messages: await (newStyle ? readNewHeader(reader, address) : readOldHeader(reader, prefix, address)),
  }
}

export function findMessage(header: ObjectHeader, type: number): HeaderMessage | undefined {
  return header.messages.find((message) => message.type === type)
}

async function readOldHeader(reader: H5Reader, prefix: Cursor, address: number): Promise<HeaderMessage[]> {
  prefix.version('object header', 1).skip(7)
  const length = prefix.u32()
  const readBlock = async ({ offset, length }: Block): Promise<HeaderMessage[]> => {
    const cursor = await reader.cursor(offset, length)
    const messages: HeaderMessage[] = []
    while (cursor.remaining >= 8) {
      const type = cursor.u16()
      const size = cursor.u16()
      const flags = cursor.u8()
      messages.push(message(cursor.skip(3), type, size, flags, undefined))
    }
    return messages
  }
  return collect(reader, { offset: address + 16, length }, readBlock)
}

async function readNewHeader(reader: H5Reader, address: number): Promise<HeaderMessage[]> {
  const prefix = (await reader.cursorUpTo(address, 64)).signature('OHDR').version('object header', 2)
  const flags = prefix.u8()
  const tracksOrder = (flags & 0x04) !== 0
  if (flags & 0x20) prefix.skip(16)
  if (flags & 0x10) prefix.skip(4)
  const length = prefix.uint(1 << (flags & 0x03))
  const start = prefix.position
  const readBlock = async ({ offset, length }: Block): Promise<HeaderMessage[]> => {
    const first = offset === address
    const cursor = await reader.checked(offset, length, first ? 'OHDR' : 'OCHK')
    if (first) cursor.position = start
    const messages: HeaderMessage[] = []
    // fewer bytes than a message's own header are a gap
    while (cursor.remaining >= (tracksOrder ? 6 : 4)) {
      const type = cursor.u8()
      const size = cursor.u16()
      const messageFlags = cursor.u8()
      const order = tracksOrder ? cursor.u16() : undefined
      messages.push(message(cursor, type, size, messageFlags, order))
    }
    return messages
  }
  return collect(reader, { offset: address, length: start + length + 4 }, readBlock)
}

function message(cursor: Cursor, type: number, size: number, flags: number, order: number | undefined): HeaderMessage {
  if (type > LAST_KNOWN_MESSAGE && flags & FLAG_FAIL_IF_UNKNOWN) throw cursor.unsupported(`header message ${type}`)
  return { type, shared: (flags & FLAG_SHARED) !== 0, body: cursor.take(size), creationOrder: order }
}

async function collect(
  reader: H5Reader,
  first: Block,
  readBlock: (block: Block) => Promise<HeaderMessage[]>,
): Promise<HeaderMessage[]> {
  const visited = new VisitedPlaces()
  const blocks = [first]
  const messages: HeaderMessage[] = []
  for (const block of blocks) {
    visited.enter(reader, block.offset)
    for (const found of await readBlock(block)) {
      if (found.type === MESSAGE.continuation) {
        const cursor = reader.over(found.body)
        blocks.push({ offset: cursor.requiredAddress(), length: cursor.length() })
      } else if (found.type !== MESSAGE.nil) {
        messages.push(found)
      }
    }
  }
  return messages
}
