import type { LayerGraph } from '../formats/doc.ts'
import { kerasJson, readKerasJson } from '../formats/index.ts'
import type { Json } from '../nn/types.ts'
import { buildIfRunnable, modelFromGraph } from './load-graph.ts'
import type { Model } from './model.ts'

/** A model of the same architecture with fresh weights, uncompiled: `keras.models.clone_model`. */
export function cloneModel(model: Model): Model {
  return built(modelFromGraph(structuredClone(model.toGraph()) as LayerGraph))
}

/** The architecture as the JSON text that Keras 3's `model.to_json()` writes. */
export function modelToJson(model: Model): string {
  return kerasJson(model.toGraph())
}

/**
 * A model with fresh weights from Keras's architecture JSON (`to_json()` of any Keras, as text or parsed).
 * @throws RekindleError `E_INVALID_JSON`, `E_INVALID_CONFIG`.
 */
export function modelFromJson(json: string | Json): Model {
  return built(modelFromGraph(readKerasJson(json)))
}

function built(model: Model): Model {
  buildIfRunnable(model)
  return model
}
