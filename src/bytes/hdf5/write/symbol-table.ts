import type { ByteWriter } from './byte-writer.ts'

/** Half the entries of a symbol node, and half the children of a tree node: the library's own choice. */
export const LEAF_K = 4
export const INTERNAL_K = 16

const NODE_ENTRIES = 2 * LEAF_K
const NODE_CHILDREN = 2 * INTERNAL_K
const SYMBOL_BYTES = 40
const TREE_NODE_BYTES = 24 + NODE_CHILDREN * 16 + 8
/** "No free block" in a local heap. */
const NO_FREE_BLOCK = 1

/** The two structures of an old-style group. */
export interface SymbolTable {
  readonly tree: number
  readonly heap: number
}

export interface Member {
  readonly name: string
  readonly address: number
  /** Of a group: kept beside its address as a shortcut for readers. */
  readonly table: SymbolTable | undefined
}

/** A node of the tree, or a symbol node under it, with the heap offset of its last name. */
interface Node {
  readonly address: number
  readonly last: number
}

const encoder = new TextEncoder()

/** Writes names, symbol nodes and the tree over them. */
export function writeSymbolTable(image: ByteWriter, members: readonly Member[]): SymbolTable {
  const sorted = members
    .map((member) => ({ member, name: encoder.encode(member.name) }))
    .sort((a, b) => compareBytes(a.name, b.name))
  const { heap, offsets } = writeNames(
    image,
    sorted.map(({ name }) => name),
  )
  let nodes: Node[] = []
  for (let start = 0; start < sorted.length; start += NODE_ENTRIES) {
    const part = sorted.slice(start, start + NODE_ENTRIES)
    const address = image.align(8).signature('SNOD').u8(1, 0).u16(part.length).position - 8
    for (const [i, { member }] of part.entries()) {
      image
        .u64(offsets[start + i] as number)
        .u64(member.address)
        .u32(member.table ? 1 : 0)
        .u32(0)
      image.u64(member.table?.tree ?? 0).u64(member.table?.heap ?? 0)
    }
    image.zeros((NODE_ENTRIES - part.length) * SYMBOL_BYTES)
    nodes.push({ address, last: offsets[start + part.length - 1] as number })
  }
  let level = 0
  do nodes = writeTreeLevel(image, nodes, level++)
  while (nodes.length > 1)
  return { tree: (nodes[0] as Node).address, heap }
}

/** The names one after another, each ended by zero and padded to 8 bytes; offset 0 is the empty name. */
function writeNames(image: ByteWriter, names: readonly Uint8Array[]): { heap: number; offsets: number[] } {
  const data = image.align(8).position
  image.zeros(8)
  const offsets = names.map((name) => {
    const offset = image.position - data
    image.put(name).zeros(1).align(8, data)
    return offset
  })
  const size = image.position - data
  const heap = image.position
  image.signature('HEAP').u8(0, 0, 0, 0).u64(size).u64(NO_FREE_BLOCK).u64(data)
  return { heap, offsets }
}

/** One level of the tree; an empty group has one empty node. */
function writeTreeLevel(image: ByteWriter, children: readonly Node[], level: number): Node[] {
  const count = Math.max(1, Math.ceil(children.length / NODE_CHILDREN))
  const first = image.align(8).position
  const nodes: Node[] = []
  let previous = 0
  for (let i = 0; i < count; i++) {
    const part = children.slice(i * NODE_CHILDREN, (i + 1) * NODE_CHILDREN)
    const address = first + i * TREE_NODE_BYTES
    image.signature('TREE').u8(0, level).u16(part.length)
    if (i > 0) image.u64(address - TREE_NODE_BYTES)
    else image.undefinedAddress()
    if (i < count - 1) image.u64(address + TREE_NODE_BYTES)
    else image.undefinedAddress()
    // a key is the largest name of the child before it
    image.u64(previous)
    for (const child of part) image.u64(child.address).u64(child.last)
    image.zeros(address + TREE_NODE_BYTES - image.position)
    previous = part.at(-1)?.last ?? 0
    nodes.push({ address, last: previous })
  }
  return nodes
}

/** The library compares names as C strings. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
