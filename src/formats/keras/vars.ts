import type { H5Dataset, H5Group } from '../../bytes/hdf5/types.ts'
import { RekindleError } from '../../errors.ts'
import type { LayerGraph, LazyTensor } from '../doc.ts'
import type { GroupDraft } from './h5-tree.ts'
import { lazyDataset } from './lazy.ts'
import { keysBelow, type LayerPlace, layerPlaces, storedLayers } from './places.ts'
import type { Report } from './report.ts'

/** What `layers/` was called by the first writers of this layout. */
const OLD_CONTAINER = '_layer_checkpoint_dependencies'
/** Parts of the store that are no layers. */
const BESIDE_LAYERS = ['optimizer', 'metrics']
/** Deep enough for every layer of layers. */
const MOST_LEVELS = 100

/** How Keras 3's layout spells its paths in this file. */
type PathSpelling = (path: string) => string

async function pathSpelling(root: H5Group): Promise<PathSpelling> {
  const links = await root.links()
  const old = !links.has('layers') && links.has(OLD_CONTAINER)
  return old ? (path) => path.replace(/(^|\/)layers\//g, `$1${OLD_CONTAINER}/`) : (path) => path
}

/**
 * The weights of a known model from Keras 3's numbered layout (`layers/dense/vars/0`), by canonical key.
 *
 * @throws RekindleError `E_INVALID_WEIGHTS` when a layer has another number of weights than its class.
 */
export async function readVars(root: H5Group, graph: LayerGraph, report: Report): Promise<Map<string, LazyTensor>> {
  const spell = await pathSpelling(root)
  const weights = new Map<string, LazyTensor>()
  for (const place of layerPlaces(graph)) {
    if (place.weights === null) await readUnknown(root, spell(place.path), place, weights, report)
    else await readKnown(root, spell(place.path), place, weights)
  }
  return weights
}

async function readKnown(root: H5Group, path: string, place: LayerPlace, into: Map<string, LazyTensor>): Promise<void> {
  const pairs = varsPlaces({ ...place, path })
  const found: [string, H5Dataset][] = []
  for (const [key, where] of pairs) {
    // tf-keras has no cell below its plain recurrent layers.
    const plain = `${varsPath(path)}/${where.slice(where.lastIndexOf('/') + 1)}`
    const dataset = (await root.dataset(where)) ?? (await root.dataset(plain))
    if (dataset) found.push([key, dataset])
  }
  const folders = new Set([varsPath(path), ...pairs.map(([, where]) => where.slice(0, where.lastIndexOf('/')))])
  const stored = Math.max(found.length, await countVars(root, folders))
  // A layer without any is one that was never built.
  if (stored !== 0 && (found.length !== pairs.length || stored !== pairs.length)) {
    throw new RekindleError('E_INVALID_WEIGHTS', `the file does not hold the weights of layer ${place.key}`, {
      where: path,
      expected: `${pairs.length} (${pairs.map(([key]) => key).join(', ') || 'none'})`,
      received: `${stored}`,
    })
  }
  for (const [key, dataset] of found) into.set(key, lazyDataset(dataset))
}

/** Where the layout keeps each weight of a known layer: `[dense/kernel, layers/dense/vars/0]`. */
export function varsPlaces({ key, path, weights }: LayerPlace): (readonly [key: string, path: string])[] {
  const counts = new Map<string, number>()
  return (weights ?? []).map((spec) => {
    const folder = varsPath(path, spec.path)
    const index = counts.get(folder) ?? 0
    counts.set(folder, index + 1)
    return [`${key}/${spec.name}`, `${folder}/${index}`]
  })
}

async function countVars(root: H5Group, folders: ReadonlySet<string>): Promise<number> {
  let count = 0
  for (const folder of folders) {
    const group = await root.group(folder)
    count += group ? (await group.links()).size : 0
  }
  return count
}

function varsPath(path: string, below?: string): string {
  return below === undefined ? `${path}/vars` : `${path}/${below}/vars`
}

/** Everything below a layer whose class is unknown: `scale/0`, `attention/query/0`. */
async function readUnknown(
  root: H5Group,
  path: string,
  { key }: LayerPlace,
  into: Map<string, LazyTensor>,
  report: Report,
): Promise<void> {
  const group = await root.group(path)
  if (!group) return
  const datasets = await numberedDatasets(group, '', 0)
  for (const { below, index, dataset } of datasets) {
    into.set([key, ...(below === '' ? [] : [below]), index].join('/'), lazyDataset(dataset))
  }
  if (datasets.length > 0) {
    report.warn('numbered-weights', 'the file numbers the weights of this layer; their names are not known', key)
  }
}

interface NumberedDataset {
  readonly below: string
  readonly index: number
  readonly dataset: H5Dataset
}

/** The datasets of all `vars` groups below a group, each in numeric order, groups in the file's order. */
async function numberedDatasets(group: H5Group, below: string, level: number): Promise<NumberedDataset[]> {
  if (level > MOST_LEVELS) throw new RekindleError('E_LIMIT', 'groups nested too deeply', { where: group.path })
  const out: NumberedDataset[] = []
  const links = [...(await group.links()).entries()].filter(([, link]) => link.kind === 'hard')
  for (const [name] of links) {
    const inner = await group.group(name)
    if (!inner) continue
    if (name !== 'vars') {
      out.push(...(await numberedDatasets(inner, below === '' ? name : `${below}/${name}`, level + 1)))
      continue
    }
    const indices = [...(await inner.links()).keys()].filter((key) => /^\d+$/.test(key)).map(Number)
    for (const index of indices.sort((a, b) => a - b)) {
      const dataset = await inner.dataset(String(index))
      if (dataset) out.push({ below, index, dataset })
    }
  }
  return out
}

/** All weights of a file whose model is not known, by the file's own paths (`layers/dense/vars/0`). */
export async function readAllVars(root: H5Group): Promise<Map<string, LazyTensor>> {
  const weights = new Map<string, LazyTensor>()
  for (const [name, link] of await root.links()) {
    if (BESIDE_LAYERS.includes(name) || link.kind !== 'hard') continue
    const group = await root.group(name)
    if (!group) continue
    for (const { below, index, dataset } of await numberedDatasets(group, name, 0)) {
      const path = below.replaceAll(`${OLD_CONTAINER}/`, 'layers/')
      weights.set(`${path}/vars/${index}`, lazyDataset(dataset))
    }
  }
  return weights
}

/** The variables of the optimizer, in order; undefined when the file has none. */
export async function readOptimizerVars(root: H5Group): Promise<readonly LazyTensor[] | undefined> {
  const group = await root.group('optimizer')
  if (!group) return undefined
  const own = (await numberedDatasets(group, '', 0)).filter(({ below }) => below === '')
  return own.map(({ dataset }) => lazyDataset(dataset))
}

/** Writes weights in Keras 3's layout; every layer gets its group, with its name beside the variables. */
export function writeVars(root: GroupDraft, graph: LayerGraph, weights: ReadonlyMap<string, LazyTensor>): void {
  nameGroup(root, '', graph.name)
  nameModels(root, graph, '')
  for (const place of layerPlaces(graph)) {
    nameGroup(root, place.path, place.layer.name)
    for (const [key, path] of place.weights === null ? unknownPlaces(place, weights) : varsPlaces(place)) {
      const tensor = weights.get(key)
      if (tensor) root.dataset(path, tensor)
    }
  }
}

/** An unknown layer's weights: numbered as a file had them, else in order. */
function unknownPlaces(
  { key, path }: LayerPlace,
  weights: ReadonlyMap<string, LazyTensor>,
): (readonly [string, string])[] {
  return keysBelow(key, weights).map((name, i) => {
    const parts = name.slice(key.length + 1).split('/')
    const numbered = /^\d+$/.test(parts.at(-1) as string)
    const below = numbered && parts.length > 1 ? parts.slice(0, -1).join('/') : undefined
    return [name, `${varsPath(path, below)}/${numbered ? parts.at(-1) : i}`]
  })
}

function nameGroup(root: GroupDraft, path: string, name: string): void {
  root.group(path === '' ? 'vars' : `${path}/vars`).attributes.set('name', name)
}

/** Models inside have an empty `vars` of their own. */
function nameModels(root: GroupDraft, graph: LayerGraph, prefix: string): void {
  for (const { layer, path } of storedLayers(graph)) {
    if (!layer.graph) continue
    nameGroup(root, prefix + path, layer.name)
    nameModels(root, layer.graph, `${prefix}${path}/`)
  }
}
