import type { H5Dataset, H5Group } from '../../bytes/hdf5/types.ts'
import { RekindleError } from '../../errors.ts'
import type { LayerGraph, LazyTensor } from '../doc.ts'
import { type GroupDraft, readNames } from './h5-tree.ts'
import { lazyDataset } from './lazy.ts'
import { matchByName, namesSaySomething, partsOf, wantedWeights } from './match-names.ts'
import { keysBelow, type LayerPlace, layerPlaces } from './places.ts'
import type { Report } from './report.ts'
import { groupBy } from './values.ts'

/** A weight as a group of Keras 1 or 2 lists it: `dense/kernel:0`. */
interface StoredWeight {
  readonly name: string
  /** The name's parts without the `:0`. */
  readonly parts: readonly string[]
  readonly dataset: H5Dataset
}

async function readGroup(group: H5Group): Promise<StoredWeight[]> {
  const names = (await readNames(group, 'weight_names')) ?? []
  const stored: StoredWeight[] = []
  for (const name of names) {
    const dataset = await group.dataset(name)
    if (!dataset) {
      throw new RekindleError('E_INVALID_WEIGHTS', 'a weight that the file lists is not there', {
        where: group.path,
        received: name,
      })
    }
    stored.push({ name, parts: partsOf(name), dataset })
  }
  return stored
}

/**
 * The weights of a known model from Keras 2's groups (one for each outer layer), by canonical key. Inside a group
 * weights are found by their stored names: the order differs between writers.
 *
 * @throws RekindleError `E_INVALID_WEIGHTS` when a layer's weights cannot be told.
 */
export async function readGroups(root: H5Group, graph: LayerGraph, report: Report): Promise<Map<string, LazyTensor>> {
  const weights = new Map<string, LazyTensor>()
  const outer = groupBy(layerPlaces(graph), (place) => place.names[0] as string)
  for (const [name, places] of outer) {
    const group = await root.group(name)
    const stored = group ? await readGroup(group) : []
    // Nothing stored: the layer has no weights, or was never built.
    if (stored.length === 0) continue
    assign(places, stored, weights, report)
  }
  return weights
}

function assign(
  places: readonly LayerPlace[],
  stored: readonly StoredWeight[],
  into: Map<string, LazyTensor>,
  report: Report,
): void {
  const where = places[0]?.names[0] as string
  const wanted = places.flatMap(wantedWeights)
  const unknown = places.filter((place) => place.weights === null)
  const found = matchByName(wanted, stored)
  const left = new Set(stored)
  for (const weight of found.values()) left.delete(weight)
  const silent = wanted.length > 0 && !namesSaySomething(wanted, stored)
  if (silent && wanted.length === stored.length && unknown.length === 0) {
    report.warn('weights-by-position', 'the names of the weights say nothing; they are taken in order', where)
    for (const [i, { key }] of wanted.entries()) into.set(key, lazyDataset((stored[i] as StoredWeight).dataset))
    return
  }
  const missing = wanted.find(({ key }) => !found.has(key))
  if (missing) {
    throw new RekindleError('E_INVALID_WEIGHTS', `the file does not hold the weights of layer ${where}`, {
      expected: wanted.map(({ key }) => key).join(', '),
      received: stored.map(({ name }) => name).join(', '),
    })
  }
  for (const { key } of wanted) into.set(key, lazyDataset((found.get(key) as StoredWeight).dataset))
  for (const weight of left) adopt(weight, unknown, where, into, report)
}

/** A weight that no known layer asks for: it belongs to an unknown one, or to nobody. */
function adopt(
  { name, parts, dataset }: StoredWeight,
  unknown: readonly LayerPlace[],
  where: string,
  into: Map<string, LazyTensor>,
  report: Report,
): void {
  const owner =
    unknown.find((place) => parts.includes(place.names.at(-1) as string)) ??
    (unknown.length === 1 ? unknown[0] : undefined)
  if (!owner) {
    report.warn('unused-weight', `no layer takes the weight ${name}`, where)
    return
  }
  into.set(
    uniqueKey(into, `${owner.key}/${relativeName(parts, owner.names.at(-1) as string)}`, name),
    lazyDataset(dataset),
  )
}

/** The part of a stored name behind the layer's own. */
function relativeName(parts: readonly string[], layer: string): string {
  const at = parts.indexOf(layer)
  return (at >= 0 && at < parts.length - 1 ? parts.slice(at + 1) : parts).join('/')
}

function uniqueKey(taken: ReadonlyMap<string, unknown>, key: string, fallback: string): string {
  return taken.has(key) ? `${key}/${fallback}` : key
}

/** All weights of a file whose model is not known: `layer/weight`, models inside as `layer/inner/weight`. */
export async function readAllGroups(root: H5Group): Promise<Map<string, LazyTensor>> {
  const weights = new Map<string, LazyTensor>()
  const layers = (await readNames(root, 'layer_names')) ?? []
  for (const layer of layers) {
    const group = await root.group(layer)
    for (const { name, parts, dataset } of group ? await readGroup(group) : []) {
      weights.set(uniqueKey(weights, `${layer}/${relativeName(parts, layer)}`, name), lazyDataset(dataset))
    }
  }
  return weights
}

/** Names in an attribute come from the file: what it lists and the optimizer's variables. */
export async function readOptimizerGroup(root: H5Group): Promise<{ name: string; tensor: LazyTensor }[] | undefined> {
  const group = await root.group('optimizer_weights')
  if (!group) return undefined
  return (await readGroup(group)).map(({ name, dataset }) => ({ name, tensor: lazyDataset(dataset) }))
}

/** How a dialect names a weight inside its layer's group. */
export type WeightNaming = (names: readonly string[], weight: string) => string

/** `dense/kernel:0`; inside a model only the innermost layer's name, as TensorFlow's scopes gave it. */
export const KERAS_2_NAMING: WeightNaming = (names, weight) => `${names.at(-1)}/${weight}:0`
/** `inner/dense/kernel`. */
export const KERAS_3_NAMING: WeightNaming = (names, weight) => [...names, weight].join('/')

/** Writes weights in Keras 2's groups: `layer_names` at the root, `weight_names` in each. */
export function writeGroups(
  root: GroupDraft,
  layers: readonly {
    readonly name: string
    readonly weights: readonly { readonly name: string; readonly tensor: LazyTensor }[]
  }[],
): void {
  root.names(
    'layer_names',
    layers.map(({ name }) => name),
  )
  for (const { name, weights } of layers) {
    const group = root.group(name)
    group.names(
      'weight_names',
      weights.map((weight) => weight.name),
    )
    for (const weight of weights) group.dataset(weight.name, weight.tensor)
  }
  root.group('top_level_model_weights').names('weight_names', [])
}

/**
 * The outer layers of a model with the weights that they hold, named in a dialect. Keras reads the weights of a group
 * by their position: all that are trained, through all models inside, and then the rest.
 */
export function outerLayers(
  graph: LayerGraph,
  weights: ReadonlyMap<string, LazyTensor>,
  naming: WeightNaming,
): Parameters<typeof writeGroups>[1] {
  const outer = groupBy(layerPlaces(graph), (place) => place.names[0] as string)
  return [...outer].map(([name, places]) => {
    const taken = new Set<string>()
    const own = places.flatMap((place) =>
      keysOf(place, weights).map(({ key, trainable }) => {
        let stored = naming(place.names, key.slice(place.key.length + 1))
        // Two layers of one name in different models inside: the full names tell them apart.
        if (taken.has(stored)) stored = `${key}:0`
        taken.add(stored)
        return { name: stored, tensor: weights.get(key) as LazyTensor, trainable }
      }),
    )
    return {
      name,
      weights: [...own.filter(({ trainable }) => trainable), ...own.filter(({ trainable }) => !trainable)],
    }
  })
}

interface OwnKey {
  readonly key: string
  readonly trainable: boolean
}

function keysOf({ key, trainable, weights: specs }: LayerPlace, weights: ReadonlyMap<string, LazyTensor>): OwnKey[] {
  if (specs === null) return keysBelow(key, weights).map((name) => ({ key: name, trainable }))
  return specs
    .map((spec) => ({ key: `${key}/${spec.name}`, trainable: trainable && spec.trainable }))
    .filter((own) => weights.has(own.key))
}
