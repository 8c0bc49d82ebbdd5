import type { Json, ModelDoc } from '../doc.ts'
import { field, isArray, isObject } from './values.ts'

export interface Origin {
  readonly family: 'keras2' | 'keras3'
  readonly producer: ModelDoc['producer']
  /** For people: `Keras 3.15.1`. */
  readonly label: string
}

/** Who wrote a file, from the version it states, or from the spelling of its config. */
export function originOf(version: string | undefined, config: Json | undefined, ours: boolean): Origin {
  const family = version === undefined ? familyOfConfig(config) : version.startsWith('3') ? 'keras3' : 'keras2'
  const dialect = family === 'keras3' ? 'Keras 3' : 'Keras 2'
  if (ours)
    return { family, producer: { name: 'rekindle', version: null }, label: `Rekindle, in the dialect of ${dialect}` }
  const name = version !== undefined && isTfKeras(version) ? 'tf-keras' : 'keras'
  const label = version === undefined ? dialect : `${name === 'keras' ? 'Keras' : name} ${version}`
  return { family, producer: { name, version: version ?? null }, label }
}

/** Keras 2 went on as `tf-keras` when Keras 3 took the name, with TensorFlow's numbers from 2.16. */
function isTfKeras(version: string): boolean {
  const [major, minor] = version.split('.').map(Number)
  return major === 2 && (minor ?? 0) >= 16
}

/** Only Keras 3 says `batch_shape`. */
function familyOfConfig(config: Json | undefined): 'keras2' | 'keras3' {
  const waiting: Json[] = config === undefined ? [] : [config]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (isObject(next) && field(next, 'batch_shape') !== undefined) return 'keras3'
    if (isArray(next)) waiting.push(...next)
    else if (isObject(next)) waiting.push(...Object.values(next))
  }
  return 'keras2'
}
