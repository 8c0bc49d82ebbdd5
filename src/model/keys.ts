import type { Layer } from './layer.ts'
import type { Model } from './model.ts'
import type { Variable } from './variable.ts'

/**
 * The canonical key of every weight: the names of the layers from the model down, then the weight's own
 * (`encoder/dense/kernel`). A weight that is reached twice keeps the key of its first place.
 */
export function weightKeys(model: Model): ReadonlyMap<Variable, string> {
  const keys = new Map<Variable, string>()
  const walk = (layer: Layer, prefix: string): void => {
    if (layer.network) {
      for (const inner of layer.network.layers) walk(inner, `${prefix}${inner.name}/`)
      return
    }
    for (const variable of layer.weights) if (!keys.has(variable)) keys.set(variable, `${prefix}${variable.name}`)
  }
  for (const layer of model.network?.layers ?? model.layers) walk(layer, `${layer.name}/`)
  return keys
}
