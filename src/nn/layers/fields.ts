import { resolveActivation } from '../activations/index.ts'
import { constraintRegistry } from '../constraints.ts'
import { initializerRegistry } from '../initializers/index.ts'
import { regularizerRegistry } from '../regularizers.ts'
import type { ConfigField, Identifier, JsonObject, LayerDef } from '../types.ts'

type Known = Exclude<Identifier, null>

const RESOLVERS: { readonly [K in ConfigField]: (identifier: Known) => unknown } = {
  activation: resolveActivation,
  initializer: (identifier) => initializerRegistry.resolve(identifier),
  regularizer: (identifier) => regularizerRegistry.resolve(identifier),
  constraint: (identifier) => constraintRegistry.resolve(identifier),
}

/**
 * Are the Keras objects of a config known? Asked where a user makes a layer: a typing error is said at once, and not
 * when the layer is first used. Files may name what is not known here: they are shown and kept.
 */
export function checkFields({ fields }: LayerDef, config: JsonObject): void {
  for (const [key, field] of Object.entries(fields ?? {})) {
    const identifier = config[key]
    if (identifier !== null && identifier !== undefined && field) RESOLVERS[field](identifier as Known)
  }
}
