import { describeValue, type ErrorCode, RekindleError } from '../errors.ts'
import { type CamelOptions, configFromOptions, toSnakeCase } from './naming.ts'
import type { Identifier, Json, JsonObject } from './types.ts'

/** What every record has that a config may name. */
export interface Row<C = object> {
  /** Keras's own: `GlorotUniform`. */
  readonly className: string
  /** Further strings that Keras (any version) finds it by. */
  readonly aliases?: readonly string[]
  /** Complete config, keys in the order of Keras's `get_config`. */
  readonly defaults: C
  /** Config keys that `get_config` leaves out while they hold their default. */
  readonly hidden?: readonly string[]
}

/** A Keras object in a config, as an object: what the factories give. */
export interface ObjectIdentifier {
  readonly class_name: string
  readonly config: JsonObject
}

export interface Resolved<D> {
  readonly def: D
  /** The record's own keys, complete. */
  readonly config: JsonObject
  /** The keys that all records of the kind share (`name`, `reduction`, `dtype`), as far as they were given. */
  readonly common: JsonObject
}

interface Kind {
  /** For messages: `loss`. */
  readonly kind: string
  /** Where Keras 3 keeps the classes: `keras.losses`. */
  readonly module: string
  /** Keys that any record of the kind accepts beside its own, in the order in which they are written first. */
  readonly common?: JsonObject
  /** Keys of older versions that say nothing to us. */
  readonly ignored?: readonly string[]
  readonly unknown?: ErrorCode
  /** The class under which Keras writes a bare function: the function's name stands in `config.fn`. */
  readonly wrapper?: string
}

/** Records of one kind by all the names that Keras knows them by. */
export interface Registry<D extends Row> {
  readonly kind: string
  readonly rows: readonly D[]
  find(name: string): D | undefined
  /**
   * @throws RekindleError `E_UNSUPPORTED_OPTION` for an unknown name (with the known ones), `E_INVALID_CONFIG` for
   * something that is no identifier and for a config key that does not exist.
   */
  resolve(identifier: Exclude<Identifier, null>): Resolved<D>
  /** Keras 3's form: `{ module, class_name, config, registered_name }` with a complete config; null stays null. */
  serialize(identifier: Identifier): JsonObject | null
  /** The form that Keras 2 and 3 both read: `{ class_name, config }` without the keys that only Keras 3 knows. */
  serializeLegacy(identifier: Identifier): ObjectIdentifier | null
}

export function createRegistry<D extends Row>(kind: Kind, rows: readonly Row[]): Registry<D> {
  const defs = rows as readonly D[]
  const byName = new Map<string, D>()
  for (const def of defs) {
    for (const name of [def.className, toSnakeCase(def.className), ...(def.aliases ?? [])]) byName.set(name, def)
  }
  const common = Object.keys(kind.common ?? {})

  const lookUp = (name: string): D => {
    const def = byName.get(name)
    if (def) return def
    throw new RekindleError(kind.unknown ?? 'E_UNSUPPORTED_OPTION', `unknown ${kind.kind} ${JSON.stringify(name)}`, {
      expected: `one of ${defs.map((row) => toSnakeCase(row.className)).join(', ')}`,
    })
  }

  const resolve = (identifier: Exclude<Identifier, null>): Resolved<D> => {
    const { name, config: given } = unwrap(parseIdentifier(identifier, kind.kind), kind)
    const def = lookUp(name)
    const config: Record<string, Json> = { ...(def.defaults as JsonObject) }
    const shared: Record<string, Json> = {}
    for (const [key, value] of Object.entries(given)) {
      if (Object.hasOwn(def.defaults, key))
        config[key] = likeDefault(value, (def.defaults as JsonObject)[key], key, def)
      else if (common.includes(key)) shared[key] = value
      else if (!kind.ignored?.includes(key)) {
        throw new RekindleError('E_INVALID_CONFIG', `${kind.kind} ${def.className} has no ${JSON.stringify(key)}`, {
          expected: Object.keys({ ...kind.common, ...def.defaults }).join(', ') || 'an empty config',
        })
      }
    }
    return { def, config, common: shared }
  }

  const configOf = ({ def, config, common: given }: Resolved<D>): JsonObject => {
    const named = kind.common && 'name' in kind.common ? { name: defaultName(def) } : {}
    const written: Record<string, Json> = { ...kind.common, ...named, ...given, ...config }
    for (const key of def.hidden ?? []) {
      if (sameJson(written[key], (def.defaults as JsonObject)[key])) delete written[key]
    }
    return written
  }

  return {
    kind: kind.kind,
    rows: defs,
    find: (name) => byName.get(name),
    resolve,
    serialize(identifier) {
      if (identifier === null) return null
      const resolved = resolve(identifier)
      const config = configOf(resolved)
      return { module: kind.module, class_name: resolved.def.className, config, registered_name: null }
    },
    serializeLegacy(identifier) {
      if (identifier === null) return null
      const resolved = resolve(identifier)
      const config: Record<string, Json> = { ...configOf(resolved) }
      for (const key of KERAS_3_KEYS) if (config[key] === null) delete config[key]
      return { class_name: resolved.def.className, config }
    },
  }
}

/** Where the default is a number, no text, flag or NaN; where it is a flag, a flag. Lists and null are the record's own affair. */
function likeDefault(value: Json, example: Json | undefined, key: string, { className }: Row): Json {
  const number = typeof example === 'number' && (['string', 'boolean'].includes(typeof value) || Number.isNaN(value))
  const flag = typeof example === 'boolean' && typeof value !== 'boolean' && value !== null
  if (!number && !flag) return value
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key} of ${className}`, {
    expected: number ? 'a number' : 'true or false',
    received: describeValue(value),
  })
}

interface ParsedIdentifier {
  readonly name: string
  readonly config: JsonObject
}

/** Keys of Keras 3 that Keras 2 refuses even where they say nothing. */
const KERAS_3_KEYS = ['input_axes', 'output_axes']

/** Records with a function name of their own (losses, metrics) are called by it. */
function defaultName(def: Row): string {
  return 'fn' in def && typeof def.fn === 'string' ? def.fn : toSnakeCase(def.className)
}

/**
 * The name and config of an identifier. Keras writes functions as `{ class_name: 'function', config: 'relu' }`.
 *
 * @throws RekindleError `E_INVALID_CONFIG`.
 */
export function parseIdentifier(identifier: unknown, kind: string): ParsedIdentifier {
  if (typeof identifier === 'string') return { name: identifier, config: {} }
  if (typeof identifier === 'object' && identifier !== null && 'class_name' in identifier) {
    const { class_name: name, config = {} } = identifier as { class_name: unknown; config?: unknown }
    if (name === 'function' && typeof config === 'string') return { name: config, config: {} }
    if (typeof name === 'string' && typeof config === 'object' && !Array.isArray(config)) {
      return { name, config: (config ?? {}) as JsonObject }
    }
  }
  throw new RekindleError('E_INVALID_CONFIG', `this names no ${kind}`, {
    expected: 'a name or { class_name, config }',
    received: describeValue(identifier),
  })
}

function unwrap(parsed: ParsedIdentifier, { kind, wrapper }: Kind): ParsedIdentifier {
  if (parsed.name !== wrapper) return parsed
  const { fn, ...config } = parsed.config
  return { name: parseIdentifier(fn, kind).name, config }
}

function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** What a user calls: `losses.binaryCrossentropy({ fromLogits: true })`. */
export type Factory<C> = (options?: CamelOptions<C>) => ObjectIdentifier

/**
 * The factory of one record.
 *
 * @param common keys that all records of the kind accept, such as `name`.
 */
export function factory<C extends object, S extends object = Record<never, never>>(
  def: Row<C>,
  common?: S,
): Factory<C & S> {
  const keys = [...Object.keys(common ?? {}), ...Object.keys(def.defaults)]
  return (options = {}) => ({
    class_name: def.className,
    config: configFromOptions(options, keys, def.className),
  })
}
