import { RekindleError } from '../errors.ts'
import type { LayerGraph, LayerSpec } from '../formats/doc.ts'
import { Layer } from './layer.ts'
import { Model } from './model.ts'
import { networkFromGraph } from './network.ts'
import { Sequential } from './sequential.ts'

/** The live layers of a graph, in its order; models inside it become models. */
export function layersFromGraph(graph: LayerGraph): readonly Layer[] {
  return graph.layers.map((spec) => (spec.graph ? modelFromGraph(spec.graph, spec) : Layer.fromSpec(spec)))
}

/** The live model of a file's architecture, with fresh weights. `origin` is its node, for a model inside another. */
export function modelFromGraph(graph: LayerGraph, origin?: LayerSpec): Model {
  const name = origin?.name ?? graph.name
  const options = { name, ...(origin && { origin }) }
  const layers = layersFromGraph(graph)
  const model =
    graph.kind === 'sequential'
      ? new Sequential(layers, options)
      : new Model({ network: networkFromGraph(graph, layers), className: graph.className, ...options })
  if (origin) model.trainable = origin.trainable
  return model
}

/**
 * Creates the weights. A model with a layer that cannot run is shown, kept and written back without them.
 * @returns What stands in the way; null when the model is built or does not know its input shape yet.
 */
export function buildIfRunnable(model: Model): RekindleError | null {
  try {
    if (model.network) model.build()
    return null
  } catch (error) {
    if (error instanceof RekindleError && error.code === 'E_UNSUPPORTED_LAYER') return error
    throw error
  }
}
