import { RekindleError } from '../../errors.ts'
import type { Json, JsonObject } from '../doc.ts'

/** Safe access to JSON that came out of a file: only own keys count, every wrong kind is a clear error. */

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

/** The own value of a key; undefined when it is absent or the value is no object. */
export function field(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

export function stringField(value: Json | undefined, key: string): string | undefined {
  const found = field(value, key)
  return typeof found === 'string' ? found : undefined
}

export function requireObject(value: Json | undefined, where: string): JsonObject {
  if (isObject(value)) return value
  throw invalidConfig(where, 'an object', value)
}

export function requireArray(value: Json | undefined, where: string): readonly Json[] {
  if (isArray(value)) return value
  throw invalidConfig(where, 'a list', value)
}

export function requireString(value: Json | undefined, where: string): string {
  if (typeof value === 'string') return value
  throw invalidConfig(where, 'a string', value)
}

export function requireIndex(value: Json | undefined, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw invalidConfig(where, 'a whole number', value)
}

export function invalidConfig(where: string, expected: string, received: unknown): RekindleError {
  return new RekindleError('E_INVALID_CONFIG', 'the configuration in the file does not fit', {
    where,
    expected,
    received: preview(received),
  })
}

function preview(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** An object without some of its keys. */
export function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

/** Items by a key of theirs, in the order in which the keys appear. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
