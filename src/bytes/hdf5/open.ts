import { RekindleError } from '../../errors.ts'
import type { Source } from '../source.ts'
import type { FileHeaps } from './attributes.ts'
import { isDatasetHeader, openDataset } from './dataset.ts'
import { GlobalHeap } from './global-heap.ts'
import { GroupNode, type ObjectNode, type OpenMember } from './group.ts'
import { HDF5_LIMITS, type Hdf5Limits, metadataBudget } from './limits.ts'
import { findMessage, MESSAGE, readObjectHeader } from './object-header.ts'
import { PageCache } from './page-cache.ts'
import { H5Reader } from './reader.ts'
import { SharedMessages } from './shared-message.ts'
import { readSuperblock } from './superblock.ts'
import type { H5File } from './types.ts'

export interface OpenHdf5Options {
  /** Budgets to change; the others stay as in `HDF5_LIMITS`. */
  readonly limits?: Partial<Hdf5Limits>
}

/**
 * Opens an HDF5 file. Only its first block and the root's header are read: the members of a group, attributes and
 * data when they are asked for.
 *
 * @throws RekindleError `E_INVALID_HDF5`, `E_TRUNCATED`, `E_UNSUPPORTED_HDF5`, `E_LIMIT`, each with the path of the
 *   object in `where`; the methods of what it returns throw the same, and `E_UNSAFE_LINK`.
 */
export async function openHdf5(source: Source, options: OpenHdf5Options = {}): Promise<H5File> {
  const limits = { ...HDF5_LIMITS, ...options.limits }
  const { format, rootAddress, extensionAddress } = await readSuperblock(source)
  const file = { source, limits, format, pages: new PageCache(source) }
  const rootReader = new H5Reader(file, '/', metadataBudget(limits, source.size))
  const heaps: FileHeaps = { globalHeap: new GlobalHeap(), shared: new SharedMessages(extensionAddress) }
  const root = await openObject(rootReader, heaps, rootAddress, undefined, memberOpener(rootReader, heaps))
  if (root?.kind !== 'group') throw rootReader.invalid('the root of the file is not a group')
  return { source, root }
}

/** Opens members once for each path, and bounds how many and how deep. */
function memberOpener(rootReader: H5Reader, heaps: FileHeaps): OpenMember {
  const { limits } = rootReader.file
  const mostObjects = limits.objects + Math.floor(rootReader.file.source.size / limits.bytesPerObject)
  const opened = new Map<string, Promise<ObjectNode | undefined>>()
  const open: OpenMember = (address, path, parent) => {
    const known = opened.get(path)
    if (known) return known
    const reader = rootReader.within(path)
    const node = (async () => {
      if (opened.size >= mostObjects) throw limitError(path, 'objects', mostObjects)
      if (parent.depth >= limits.depth) throw limitError(path, 'levels of groups', limits.depth)
      reader.budget.visit(path.length, path)
      for (let above: GroupNode | undefined = parent; above; above = above.parent) {
        if (above.address === address) throw reader.invalid(`the group is its own member (it is ${above.path})`)
      }
      return openObject(reader, heaps, address, parent, open)
    })()
    opened.set(path, node)
    node.catch(() => opened.delete(path))
    return node
  }
  return open
}

async function openObject(
  reader: H5Reader,
  heaps: FileHeaps,
  address: number,
  parent: GroupNode | undefined,
  open: OpenMember,
): Promise<ObjectNode | undefined> {
  const header = await readObjectHeader(reader, address)
  if (isDatasetHeader(header)) return openDataset(reader, heaps, header)
  const isGroup = [MESSAGE.symbolTable, MESSAGE.linkInfo, MESSAGE.link, MESSAGE.groupInfo].some(
    (type) => findMessage(header, type) !== undefined,
  )
  if (isGroup) return new GroupNode(reader, heaps, header, open, parent)
  // a datatype alone is a committed type: it has no place in the tree of groups and datasets
  if (findMessage(header, MESSAGE.datatype)) return undefined
  throw reader.invalid('the object is neither a group nor a dataset')
}

function limitError(where: string, what: string, limit: number): RekindleError {
  return new RekindleError('E_LIMIT', `the file has too many ${what}`, { where, expected: `at most ${limit}` })
}
