import { type FileHeaps, readAttributes } from './attributes.ts'
import type { DatasetNode } from './dataset.ts'
import { type Link, readLinks } from './links.ts'
import { memoize } from './memo.ts'
import type { ObjectHeader } from './object-header.ts'
import type { H5Reader } from './reader.ts'
import type { H5Attribute, H5Dataset, H5Group, H5Link } from './types.ts'

export type ObjectNode = GroupNode | DatasetNode

/** Opens the object at an address as the member of a group; undefined for what is neither group nor dataset. */
export type OpenMember = (address: number, path: string, parent: GroupNode) => Promise<ObjectNode | undefined>

export class GroupNode implements H5Group {
  readonly kind = 'group'
  readonly path: string
  readonly address: number
  /** The group that it was reached through; undefined for the root. */
  readonly parent: GroupNode | undefined
  readonly depth: number
  readonly attributes: () => Promise<ReadonlyMap<string, H5Attribute>>
  readonly #links: () => Promise<ReadonlyMap<string, Link>>
  readonly #reader: H5Reader
  readonly #open: OpenMember

  constructor(
    reader: H5Reader,
    heaps: FileHeaps,
    header: ObjectHeader,
    open: OpenMember,
    parent: GroupNode | undefined,
  ) {
    this.path = reader.where
    this.address = header.address
    this.parent = parent
    this.depth = parent === undefined ? 0 : parent.depth + 1
    this.attributes = memoize(() => readAttributes(reader, heaps, header))
    this.#links = memoize(() => readLinks(reader, header))
    this.#reader = reader
    this.#open = open
  }

  async links(): Promise<ReadonlyMap<string, H5Link>> {
    const links = new Map<string, H5Link>()
    for (const [name, link] of await this.#links()) {
      links.set(name, link.kind === 'hard' ? { kind: 'hard' } : link)
    }
    return links
  }

  async get(path: string): Promise<H5Group | H5Dataset | undefined> {
    return this.#resolve(path, { left: this.#reader.file.limits.softLinks })
  }

  async group(path: string): Promise<H5Group | undefined> {
    const found = await this.get(path)
    return found?.kind === 'group' ? found : undefined
  }

  async dataset(path: string): Promise<H5Dataset | undefined> {
    const found = await this.get(path)
    return found?.kind === 'dataset' ? found : undefined
  }

  /** @param softLinks how many soft links the whole look-up may still follow */
  async #resolve(path: string, softLinks: { left: number }): Promise<ObjectNode | undefined> {
    let current: ObjectNode = this
    if (path.startsWith('/')) while (current.parent) current = current.parent
    for (const name of path.split('/')) {
      if (name === '' || name === '.') continue
      if (current.kind !== 'group') return undefined
      const next: ObjectNode | undefined = await current.#member(name, softLinks)
      if (next === undefined) return undefined
      current = next
    }
    return current
  }

  async #member(name: string, softLinks: { left: number }): Promise<ObjectNode | undefined> {
    const link = (await this.#links()).get(name)
    if (link === undefined) return undefined
    const path = this.path === '/' ? `/${name}` : `${this.path}/${name}`
    const reader = this.#reader.within(path)
    switch (link.kind) {
      case 'hard':
        return this.#open(link.address, path, this)
      case 'external':
        throw reader.unsafe(`a link to another file (${link.target}) is never followed`)
      case 'soft': {
        if (softLinks.left-- <= 0) throw reader.invalid('too many soft links, or a loop of them')
        const target = await this.#resolve(link.target, softLinks)
        return target && this.#open(target.address, path, this)
      }
    }
  }
}
