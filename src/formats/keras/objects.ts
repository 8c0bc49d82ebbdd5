import type { Json, JsonObject } from '../doc.ts'
import { field, isArray, isObject } from './values.ts'

/** Python modules that are Keras itself, under any of its names. */
const KERAS_MODULE = /^(keras|tf_keras|keras_core|tensorflow\.keras|tensorflow\.python\.keras|builtins)(\.|$)/

export function isKerasModule(module: Json | undefined): boolean {
  return module === undefined || module === null || (typeof module === 'string' && KERAS_MODULE.test(module))
}

/** Is this `{ class_name, config }`, in any era's wrapping? */
export function isKerasObject(value: Json | undefined): value is JsonObject & { readonly class_name: string } {
  return isObject(value) && typeof field(value, 'class_name') === 'string'
}

/**
 * The canonical form of a value in a config: Keras's own objects as `{ class_name, config }`, functions and dtype
 * policies as their names, tuples as lists. Objects of other modules stay as they are: they go back unchanged.
 */
export function unwrap(value: Json): Json {
  if (isArray(value)) return value.map(unwrap)
  if (!isObject(value)) return value
  if (!isKerasObject(value)) return mapValues(value, unwrap)
  const { class_name: className } = value
  const config = field(value, 'config')
  const items = field(value, 'items')
  if ((className === '__tuple__' || className === 'TensorShape') && isArray(items)) return items.map(unwrap)
  if (className === 'function' && typeof config === 'string') return config
  if (POLICIES.has(className) && typeof field(config, 'name') === 'string') return field(config, 'name') as string
  if (!isKerasModule(field(value, 'module')) || className.startsWith('__')) return value
  return { class_name: className, config: config === undefined ? {} : unwrap(config) }
}

const POLICIES = new Set(['DTypePolicy', 'Policy', 'FloatDTypePolicy'])

export function mapValues(object: JsonObject, change: (value: Json, key: string) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))
}

/** Keras 3's wrapping of an object of its own. Objects that are already wrapped keep their module. */
export function wrap(value: Json, module: string): Json {
  if (!isKerasObject(value) || field(value, 'module') !== undefined) return value
  const config = field(value, 'config') ?? {}
  return { module, class_name: value.class_name, config, registered_name: null }
}

/** The kinds of objects that layers hold, by the ending of the config key (`kernel_initializer`). */
const KINDS: readonly (readonly [ending: string, module: string])[] = [
  ['initializer', 'keras.initializers'],
  ['regularizer', 'keras.regularizers'],
  ['constraint', 'keras.constraints'],
  ['activation', 'keras.layers'],
]

/** Where Keras 3 keeps what a config key holds; undefined for plain values. */
export function moduleOfKey(key: string): string | undefined {
  return KINDS.find(([ending]) => key === ending || key.endsWith(`_${ending}`))?.[1]
}

/** Keras 3's form of a dtype policy. */
export function dtypePolicy(name: Json): Json {
  if (typeof name !== 'string') return name
  return { module: 'keras', class_name: 'DTypePolicy', config: { name }, registered_name: null }
}
