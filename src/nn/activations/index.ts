import { RekindleError } from '../../errors.ts'
import type { Builder, Value } from '../../graph/index.ts'
import { type CamelOptions, configFromOptions } from '../naming.ts'
import { createRegistry, type ObjectIdentifier, parseIdentifier } from '../registry.ts'
import type { Identifier, Json, JsonObject } from '../types.ts'
import { ACTIVATIONS, type ActivationDef } from './table.ts'

export { ACTIVATIONS, type ActivationDef } from './table.ts'

/** The activation functions by name. */
export const activationRegistry = createRegistry<ActivationDef<JsonObject>>(
  { kind: 'activation', module: 'keras.activations', unknown: 'E_UNSUPPORTED_LAYER' },
  Object.values(ACTIVATIONS),
)

interface ActivationLayer {
  readonly activation: keyof typeof ACTIVATIONS
  /** Where the layer's default differs from the function's. */
  readonly defaults?: JsonObject
  /** The layer's older spellings of the function's keys. */
  readonly renamed?: { readonly [key: string]: string }
}

/** Layers without weights that may stand in the place of an activation function, as objects. */
const ACTIVATION_LAYERS: { readonly [className: string]: ActivationLayer } = {
  ReLU: { activation: 'relu' },
  LeakyReLU: { activation: 'leaky_relu', defaults: { negative_slope: 0.3 }, renamed: { alpha: 'negative_slope' } },
  ELU: { activation: 'elu' },
  Softmax: { activation: 'softmax' },
}

/** Keys of every layer's config, which say nothing about the function. */
const LAYER_KEYS = ['name', 'trainable', 'dtype']

interface ResolvedActivation {
  readonly def: ActivationDef<JsonObject>
  readonly config: JsonObject
}

/**
 * The activation that a config names: a function's name, a serialised function, `{ class_name: 'relu', config }` with
 * keyword arguments, or an activation layer (`{ class_name: 'ReLU', config: { max_value: 6 } }`). Null is `linear`.
 *
 * @throws RekindleError `E_UNSUPPORTED_LAYER` for an unknown name, `E_INVALID_CONFIG` for a malformed object.
 */
export function resolveActivation(identifier: Identifier): ResolvedActivation {
  if (identifier === null) return activationRegistry.resolve('linear')
  const { name, config } = parseIdentifier(identifier, 'activation')
  if (name === 'Activation') return resolveActivation((config.activation ?? null) as Identifier)
  const layer = Object.hasOwn(ACTIVATION_LAYERS, name) ? ACTIVATION_LAYERS[name] : undefined
  if (!layer) return activationRegistry.resolve({ class_name: name, config })
  const own: Record<string, Json> = { ...layer.defaults }
  for (const [key, value] of Object.entries(config)) {
    if (!LAYER_KEYS.includes(key)) own[layer.renamed?.[key] ?? key] = value
  }
  return activationRegistry.resolve({ class_name: layer.activation, config: own })
}

/** Applies the activation that a config names. `softmax` and `sigmoid` end in the operator whose input is the logits. */
export function applyActivation(b: Builder, identifier: Identifier, x: Value): Value {
  const { def, config } = resolveActivation(identifier)
  return def.apply(b, x, config)
}

/**
 * How Keras 3 writes an activation: the function's name (`swish` becomes `silu`); objects as they are.
 *
 * @throws RekindleError `E_INVALID_CONFIG` for keyword arguments, which Keras has no spelling for.
 */
export function serializeActivation(identifier: Identifier): Json {
  if (identifier === null) return 'linear'
  const { name } = parseIdentifier(identifier, 'activation')
  if (Object.hasOwn(ACTIVATION_LAYERS, name)) return identifier as JsonObject
  const { def, config } = resolveActivation(identifier)
  if (Object.keys(config).some((key) => config[key] !== def.defaults[key])) {
    throw new RekindleError('E_INVALID_CONFIG', `Keras cannot write arguments of the activation ${def.className}`, {
      hint: 'use an activation layer such as ReLU or LeakyReLU',
    })
  }
  return def.className
}

/** `activation('relu', { maxValue: 6 })`: an activation with keyword arguments, for a layer's `activation`. */
export function activation<K extends keyof typeof ACTIVATIONS>(
  name: K,
  options: CamelOptions<(typeof ACTIVATIONS)[K]['defaults']> = {},
): ObjectIdentifier {
  const { defaults } = ACTIVATIONS[name]
  return { class_name: name, config: configFromOptions(options, Object.keys(defaults), name) }
}
