import { describeValue, RekindleError } from '../errors.ts'
import type { Json, JsonObject } from './types.ts'

/** `SparseCategoricalCrossentropy` to `sparse_categorical_crossentropy`, by Keras's own rule (`ReLU` gives `re_lu`). */
export function toSnakeCase(name: string): string {
  return name
    .replace(/[^\p{L}\p{N}_]+/gu, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** `sparse_categorical_crossentropy` to `SparseCategoricalCrossentropy`. */
export function toPascalCase(name: string): string {
  return name.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** A config key as a TypeScript option: `from_logits` to `fromLogits`, `beta_1` to `beta1`. */
export function toCamelCase(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S

/** The options of a user factory: a config's keys in camelCase, each of them optional. */
export type CamelOptions<C> = { readonly [K in keyof C & string as CamelCase<K>]?: C[K] | undefined }

/**
 * A config in Keras's spelling from options in camelCase; keys in Keras's spelling pass too.
 *
 * @param keys the config keys that exist.
 * @throws RekindleError `E_INVALID_ARGUMENT` for what is no object, and for an option that does not exist.
 */
export function configFromOptions(options: object, keys: readonly string[], where: string): JsonObject {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new RekindleError('E_INVALID_ARGUMENT', `${where} takes an object of options`, {
      expected: `{ ${toCamelCase(keys[0] ?? '')}: … }`,
      received: describeValue(options),
    })
  }
  const config: Record<string, Json> = {}
  for (const [option, value] of Object.entries(options) as [string, Json | undefined][]) {
    if (value === undefined) continue
    const key = keys.find((name) => name === option || toCamelCase(name) === option)
    if (key === undefined) {
      throw new RekindleError('E_INVALID_ARGUMENT', `${where} has no option ${option}`, {
        expected: keys.map(toCamelCase).join(', ') || 'no options',
      })
    }
    config[key] = value
  }
  return config
}
