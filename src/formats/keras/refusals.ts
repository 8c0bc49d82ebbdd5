import type { LayerGraph, LayerSpec } from '../doc.ts'
import type { Report } from './report.ts'

/** Activations of Keras 3 that tf-keras 2.21 does not know. */
const KERAS_3_ACTIVATIONS: readonly string[] = [
  'celu',
  'glu',
  'hard_shrink',
  'hard_silu',
  'hard_swish',
  'hard_tanh',
  'log_sigmoid',
  'soft_shrink',
  'sparse_plus',
  'sparse_sigmoid',
  'sparsemax',
  'squareplus',
  'tanh_shrink',
  'threshold',
]

/** Says what keeps Keras 3 from opening a file: a `/` in the name of a layer or model (tf-keras makes scopes of it). */
export function warnOfKeras3Refusals(graph: LayerGraph, report: Report): void {
  for (const name of [graph.name, ...allLayers(graph).map((layer) => layer.name)]) {
    if (name.includes('/')) report.warn('name-refused', 'Keras 3 opens no file with a / in this name', name)
  }
}

/** Says what keeps tf-keras from opening a file: activations that came with Keras 3. */
export function warnOfKeras2Refusals(graph: LayerGraph, report: Report): void {
  const used = allLayers(graph).flatMap(({ config }) =>
    Object.keys(config).flatMap((key) => (key.endsWith('activation') ? [config[key]] : [])),
  )
  for (const name of KERAS_3_ACTIVATIONS) {
    if (used.includes(name)) report.warn('activation-refused', `tf-keras opens no file with the activation ${name}`)
  }
}

/** The layers of a model and of all models inside. */
function allLayers(graph: LayerGraph): LayerSpec[] {
  return graph.layers.flatMap((layer) => [layer, ...(layer.graph ? allLayers(layer.graph) : [])])
}
