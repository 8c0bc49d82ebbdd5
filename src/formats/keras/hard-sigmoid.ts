import type { Json, JsonObject, LayerGraph } from '../doc.ts'
import type { Report } from './report.ts'

/**
 * `hard_sigmoid` is two functions: clip(0.2·x + 0.5, 0, 1) in Keras 1 and 2, relu6(x + 3) / 6 in Keras 3. Canonical
 * configs call Keras 2's `keras2_hard_sigmoid`; files of both families say `hard_sigmoid`, so who wrote them decides.
 */
export type HardSigmoid = 'keras2' | 'keras3'

const NAME = 'hard_sigmoid'
const KERAS_2_NAME = 'keras2_hard_sigmoid'

/** Which of the two a graph uses; null for neither. A model that mixes them counts as Keras 2's. */
export function hardSigmoidOf(graph: LayerGraph): HardSigmoid | null {
  const names = new Set<Json>()
  mapActivations(graph, (name) => {
    names.add(name)
    return name
  })
  if (names.has(KERAS_2_NAME)) return 'keras2'
  return names.has(NAME) ? 'keras3' : null
}

/** The graph of a file whose `hard_sigmoid` means this one. */
export function readHardSigmoid(graph: LayerGraph, meaning: HardSigmoid): LayerGraph {
  return meaning === 'keras3' ? graph : mapActivations(graph, (name) => (name === NAME ? KERAS_2_NAME : name))
}

/** The graph as a family's files spell it. Where the family's function is the other one, that is said. */
export function writeHardSigmoid(graph: LayerGraph, family: HardSigmoid, report: Report): LayerGraph {
  const meaning = hardSigmoidOf(graph)
  if (meaning !== null && meaning !== family) {
    const reader = family === 'keras3' ? 'Keras 3' : 'tf-keras'
    report.warn('hard-sigmoid', `hard_sigmoid is another function in ${reader}: there the predictions will differ`)
  }
  return mapActivations(graph, (name) => (name === KERAS_2_NAME ? NAME : name))
}

function mapActivations(graph: LayerGraph, change: (name: Json) => Json): LayerGraph {
  const layers = graph.layers.map((layer) => {
    const config = Object.fromEntries(
      Object.entries(layer.config).map(([key, value]) => [
        key,
        typeof value === 'string' && key.endsWith('activation') ? change(value) : value,
      ]),
    ) as JsonObject
    const changed = Object.keys(config).some((key) => config[key] !== layer.config[key])
    const inner = layer.graph && mapActivations(layer.graph, change)
    if (!changed && inner === layer.graph) return layer
    return { ...layer, ...(changed && { config }), ...(inner && { graph: inner }) }
  })
  return layers.every((layer, i) => layer === graph.layers[i]) ? graph : { ...graph, layers }
}
