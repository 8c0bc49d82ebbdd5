import { LAYERS } from '../../nn/layers/index.ts'
import { toSnakeCase } from '../../nn/naming.ts'
import type { WeightSpec } from '../../nn/types.ts'
import type { JsonObject, LayerGraph, LayerSpec } from '../doc.ts'

/** One layer that holds weights itself, somewhere in a model: where each layout keeps them. */
export interface LayerPlace {
  readonly layer: LayerSpec
  /** Names from the outermost model's layer down to this one. */
  readonly names: readonly string[]
  /** Canonical key of the layer: the names, joined. */
  readonly key: string
  /** Where Keras 3 stores it: `layers/sequential/layers/dense_1`. */
  readonly path: string
  /** False when the layer or a model around it is frozen. */
  readonly trainable: boolean
  /** Its weights in Keras's order; null for a class that Rekindle does not know. */
  readonly weights: readonly WeightSpec[] | null
}

/** All layers in Keras's order, models inside in their place. */
export function* layerPlaces(graph: LayerGraph): Generator<LayerPlace> {
  yield* walk(graph, [], '', true)
}

/** The keys of a layer's weights as they are in a map: for layers whose weights only the file knows. */
export function keysBelow(layer: string, weights: ReadonlyMap<string, unknown>): string[] {
  return [...weights.keys()].filter((key) => key.startsWith(`${layer}/`))
}

function* walk(
  graph: LayerGraph,
  outer: readonly string[],
  outerPath: string,
  outerTrainable: boolean,
): Generator<LayerPlace> {
  for (const { layer, path } of storedLayers(graph)) {
    const names = [...outer, layer.name]
    const trainable = outerTrainable && layer.trainable
    if (layer.graph) yield* walk(layer.graph, names, `${outerPath}${path}/`, trainable)
    else yield { layer, names, key: names.join('/'), path: outerPath + path, trainable, weights: weightsOf(layer) }
  }
}

/** The layers of one model and where Keras 3 stores them below it. */
export function storedLayers(graph: LayerGraph): { readonly layer: LayerSpec; readonly path: string }[] {
  // A Sequential does not count its InputLayer among its layers.
  const counted = graph.layers.filter((layer) => graph.kind === 'functional' || layer.className !== 'InputLayer')
  const numbered = numberNames()
  return counted.map((layer) => ({ layer, path: `layers/${numbered(storeName(layer.className))}` }))
}

function weightsOf(layer: LayerSpec): readonly WeightSpec[] | null {
  if (layer.raw !== undefined) return null
  const def = LAYERS.get(layer.className)
  if (!def) return null
  const config: JsonObject = { ...def.defaults, ...layer.config }
  return def.weights?.(config) ?? []
}

/** Python's class name, in snake case; `acme>Scale` is registered, the class is Scale. */
export function storeName(className: string): string {
  return toSnakeCase(className.slice(className.lastIndexOf('>') + 1))
}

/** `dense`, `dense_1`, `dense_2`: each container counts for itself. */
export function numberNames(): (name: string) => string {
  const counts = new Map<string, number>()
  return (name) => {
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    return count === 0 ? name : `${name}_${count}`
  }
}
