import type { H5Attribute, H5Group, H5WriteAttribute, H5WriteDataset, H5WriteGroup } from '../../bytes/hdf5/types.ts'
import { RekindleError } from '../../errors.ts'
import type { LazyTensor } from '../doc.ts'

/** HDF5 keeps an attribute in an object header of at most 64 KiB; Keras splits longer lists of names. */
const ATTRIBUTE_LIMIT = 64512
/** A variable-length string takes this much in the attribute itself. */
const STRING_REFERENCE = 16

/**
 * A list of names from a group's attributes, also when it is split into `name0`, `name1`, … (in numeric order).
 * Undefined when there is none.
 */
export async function readNames(group: H5Group, name: string): Promise<readonly string[] | undefined> {
  const attributes = await group.attributes()
  const whole = attributes.get(name)
  if (whole !== undefined) return toNames(whole, `${group.path}@${name}`)
  if (!attributes.has(`${name}0`)) return undefined
  const names: string[] = []
  for (let i = 0; attributes.has(`${name}${i}`); i++) {
    names.push(...toNames(attributes.get(`${name}${i}`) as H5Attribute, `${group.path}@${name}${i}`))
  }
  return names
}

function toNames(value: H5Attribute, where: string): readonly string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value as readonly string[]
  // numpy has no empty list of strings: Keras writes an empty list of floats.
  if (value === null || ('size' in value && value.size === 0)) return []
  throw new RekindleError('E_INVALID_FILE', 'a list of names in the file', { where, expected: 'strings' })
}

/** The attributes that hold a list of names, split where HDF5 would refuse it. */
export function namesToAttributes(name: string, names: readonly string[]): [string, H5WriteAttribute][] {
  const perChunk = Math.floor(ATTRIBUTE_LIMIT / STRING_REFERENCE)
  if (names.length <= perChunk) return [[name, names]]
  const chunks = Math.ceil(names.length / perChunk)
  return Array.from({ length: chunks }, (_, i) => [`${name}${i}`, names.slice(i * perChunk, (i + 1) * perChunk)])
}

export async function readText(group: H5Group, name: string): Promise<string | undefined> {
  const value = (await group.attributes()).get(name)
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.length === 1 && typeof value[0] === 'string') return value[0]
  return undefined
}

/** A group under construction. Paths are split at `/`, as h5py does when it creates a dataset. */
export class GroupDraft implements H5WriteGroup {
  readonly kind = 'group'
  readonly attributes = new Map<string, H5WriteAttribute>()
  readonly children = new Map<string, GroupDraft | H5WriteDataset>()

  /** The group at a path below this one, created as needed. */
  group(path: string): GroupDraft {
    let group: GroupDraft = this
    for (const part of parts(path)) {
      const known = group.children.get(part)
      if (known && !(known instanceof GroupDraft)) throw taken(path)
      const next = known ?? new GroupDraft()
      group.children.set(part, next)
      group = next
    }
    return group
  }

  has(path: string): boolean {
    let node: GroupDraft | H5WriteDataset | undefined = this
    for (const part of parts(path)) node = node instanceof GroupDraft ? node.children.get(part) : undefined
    return node !== undefined
  }

  dataset(path: string, tensor: LazyTensor): void {
    const all = parts(path)
    const group = this.group(all.slice(0, -1).join('/'))
    const name = all.at(-1)
    if (name === undefined || group.children.has(name)) throw taken(path)
    group.children.set(name, { kind: 'dataset', dtype: tensor.dtype, shape: tensor.shape, load: () => tensor.load() })
  }

  names(name: string, names: readonly string[]): void {
    for (const [key, value] of namesToAttributes(name, names)) this.attributes.set(key, value)
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

function taken(path: string): RekindleError {
  return new RekindleError('E_UNSUPPORTED_FORMAT', 'HDF5 cannot hold two things of one name', {
    where: path,
    hint: 'save as .keras, or give the layers names of their own',
  })
}
