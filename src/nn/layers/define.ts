import { describeValue, RekindleError } from '../../errors.ts'
import type { Json, JsonObject, LayerDef } from '../types.ts'

/**
 * A layer record as the tables hold it: the config's type is the record's own affair.
 * Configs enter a record only through `completeConfig`, which is why the cast is safe.
 */
export function defineLayer<C extends object>(def: LayerDef<C>): LayerDef {
  return def as unknown as LayerDef
}

/**
 * The complete config of a layer from what a user or a file gave, defaults filled in, keys in Keras's order.
 * From a file (`strict: false`) keys that the record does not know are carried along, so that they are written back.
 *
 * @throws RekindleError `E_INVALID_CONFIG` for a missing or (strict) an unknown key, or a value the layer refuses.
 */
export function completeConfig(def: LayerDef, given: JsonObject, where: string, strict: boolean): JsonObject {
  const config: Record<string, Json> = { ...def.defaults }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (strict && !Object.hasOwn(def.defaults, key)) {
      throw new RekindleError('E_INVALID_CONFIG', `${def.className} has no option ${key}`, {
        where,
        expected: Object.keys(def.defaults).join(', '),
      })
    }
    config[key] = value
  }
  for (const key of def.required ?? []) {
    if (given[key] === undefined) {
      throw new RekindleError('E_INVALID_CONFIG', `${def.className} needs ${key}`, { where })
    }
  }
  const normal = def.normalize?.(config, where) ?? config
  def.validate?.(normal, where)
  return normal
}

/** A check for configs: a whole number of at least `least`. */
export function requireInteger(value: unknown, least: number, key: string, where: string): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key}`, {
    where,
    expected: `a whole number of at least ${least}`,
    received: describeValue(value),
  })
}

/** A check for configs: a number in `[0, 1]`. */
export function requireFraction(value: unknown, key: string, where: string): void {
  if (typeof value === 'number' && value >= 0 && value <= 1) return
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key}`, {
    where,
    expected: 'a number from 0 to 1',
    received: describeValue(value),
  })
}
