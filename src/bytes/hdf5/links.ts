import { GROUP_TREE, walkTree } from './btree-v1.ts'
import { walkRecords } from './btree-v2.ts'
import { type Cursor, decodeText } from './cursor.ts'
import { openFractalHeap } from './fractal-heap.ts'
import { openLocalHeap } from './local-heap.ts'
import { findMessage, MESSAGE, type ObjectHeader } from './object-header.ts'
import { type H5Reader, VisitedPlaces } from './reader.ts'

/** Where a member of a group is. */
export type Link =
  | { readonly kind: 'hard'; readonly address: number }
  | { readonly kind: 'soft'; readonly target: string }
  | { readonly kind: 'external'; readonly target: string }

interface NamedLink {
  readonly name: string
  readonly link: Link
  /** Order of making, where the file tracks it. */
  readonly order: number | undefined
}

const SYMBOL_SOFT_LINK = 2
const LINK_NAME_RECORDS = 5
const LINK_SOFT = 1
const LINK_EXTERNAL = 64

/** The members of a group: in the order of their making where the file tracks it, else as stored. */
export async function readLinks(reader: H5Reader, header: ObjectHeader): Promise<ReadonlyMap<string, Link>> {
  const found: NamedLink[] = []
  const symbols = findMessage(header, MESSAGE.symbolTable)
  if (symbols) for await (const link of symbolTableLinks(reader, reader.over(symbols.body))) found.push(link)
  for (const message of header.messages) {
    if (message.type === MESSAGE.link) found.push(parseLink(reader.over(message.body)))
  }
  const info = findMessage(header, MESSAGE.linkInfo)
  if (info) for await (const link of denseLinks(reader, reader.over(info.body))) found.push(link)
  if (found.every(({ order }) => order !== undefined)) found.sort((a, b) => (a.order as number) - (b.order as number))
  const links = new Map<string, Link>()
  for (const { name, link } of found) {
    if (name === '' || name === '.' || /[/\0]/.test(name)) {
      throw reader.invalid('a member has an impossible name', { received: JSON.stringify(name) })
    }
    if (links.has(name)) throw reader.invalid(`two members are called ${JSON.stringify(name)}`)
    links.set(name, link)
  }
  return links
}

/** Old-style groups: a tree of symbol nodes, names in a local heap. */
async function* symbolTableLinks(reader: H5Reader, table: Cursor): AsyncGenerator<NamedLink> {
  const root = table.requiredAddress()
  const nameAt = await openLocalHeap(reader, table.requiredAddress())
  const { offsetSize, lengthSize } = reader.format
  const visited = new VisitedPlaces()
  for await (const { child } of walkTree(reader, root, GROUP_TREE, lengthSize)) {
    visited.enter(reader, child)
    const head = (await reader.cursor(child, 8)).signature('SNOD').version('symbol node', 1).skip(1)
    const count = head.u16()
    const symbols = await reader.cursor(child + 8, count * (lengthSize + offsetSize + 24))
    for (let i = 0; i < count; i++) {
      const name = nameAt(symbols.length())
      const address = symbols.address()
      const cacheType = symbols.u32()
      const scratch = symbols.skip(4).take(16)
      if (cacheType === SYMBOL_SOFT_LINK) {
        yield { name, link: { kind: 'soft', target: nameAt(reader.over(scratch).u32()) }, order: undefined }
      } else {
        if (address === undefined) throw symbols.invalid('a member has no address', { received: JSON.stringify(name) })
        yield { name, link: { kind: 'hard', address }, order: undefined }
      }
    }
  }
}

/** New-style groups with many members: links in a fractal heap, found through a tree. */
async function* denseLinks(reader: H5Reader, info: Cursor): AsyncGenerator<NamedLink> {
  info.version('link info', 0)
  const flags = info.u8()
  if (flags & 0x01) info.skip(8)
  const heapAddress = info.address()
  const treeAddress = info.address()
  if (heapAddress === undefined || treeAddress === undefined) return
  const heap = await openFractalHeap(reader, heapAddress)
  for await (const record of walkRecords(reader, treeAddress, LINK_NAME_RECORDS)) {
    // the hash of the name comes first
    const id = reader.over(record).skip(4).rest()
    yield parseLink(reader.over(await heap.read(reader, id)))
  }
}

function parseLink(cursor: Cursor): NamedLink {
  cursor.version('link', 1)
  const flags = cursor.u8()
  const type = flags & 0x08 ? cursor.u8() : 0
  const order = flags & 0x04 ? cursor.u64() : undefined
  if (flags & 0x10) cursor.skip(1)
  const name = decodeText(cursor.take(cursor.uint(1 << (flags & 0x03))))
  return { name, link: parseTarget(cursor, type), order }
}

function parseTarget(cursor: Cursor, type: number): Link {
  if (type === 0) return { kind: 'hard', address: cursor.requiredAddress() }
  const target = cursor.take(cursor.u16())
  if (type === LINK_SOFT) return { kind: 'soft', target: decodeText(target) }
  if (type !== LINK_EXTERNAL) return { kind: 'external', target: `link of user-defined type ${type}` }
  // a byte of version and flags, then the file and the path in it, both ended by a zero byte
  const [file = '', path = ''] = decodeText(target.subarray(1)).split('\0')
  return { kind: 'external', target: `${file}:${path}` }
}
