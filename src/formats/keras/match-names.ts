import type { LayerPlace } from './places.ts'
import { OLD_WEIGHT_NAMES } from './renames.ts'
import { groupBy } from './values.ts'

/** A weight that a model asks for. */
export interface Wanted {
  readonly key: string
  /** Names of layers, outermost first. */
  readonly layers: readonly string[]
  readonly weight: string
}

/** A weight that a file names; `parts` are the name's, without a `:0`. */
export interface Named {
  readonly parts: readonly string[]
}

export function wantedWeights({ key, names, weights }: LayerPlace): Wanted[] {
  return (weights ?? []).map((spec) => ({ key: `${key}/${spec.name}`, layers: names, weight: spec.name }))
}

export function partsOf(name: string): string[] {
  return name
    .replace(/:\d+$/, '')
    .split('/')
    .filter((part) => part !== '')
}

/** For each wanted weight the stored one of its name that shares the most layer names with it. */
export function matchByName<T extends Named>(wanted: readonly Wanted[], stored: readonly T[]): Map<string, T> {
  const byName = groupBy(stored, ({ parts }) => parts.at(-1) ?? '')
  const found = new Map<string, T>()
  const taken = new Set<T>()
  for (const one of wanted) {
    const { key, layers } = one
    const candidates = spellings(one)
      .flatMap((name) => byName.get(name) ?? [])
      .filter((candidate) => !taken.has(candidate))
    const scored = candidates.map((candidate) => ({ candidate, score: sharedLayers(layers, candidate.parts) }))
    const best = scored.reduce((most, { score }) => Math.max(most, score), 0)
    const [winner, rival] = scored.filter(({ score }) => score === best)
    // Several of one name and none of this layer: not to be told apart.
    if (!winner || rival || (candidates.length > 1 && best === 0)) continue
    found.set(key, winner.candidate)
    taken.add(winner.candidate)
  }
  return found
}

/** All that a weight was ever called: Keras 1 wrote `dense_1_W`. */
function spellings({ layers, weight }: Wanted): string[] {
  return [weight, ...(OLD_WEIGHT_NAMES[weight] ?? [])].flatMap((name) => [name, `${layers.at(-1)}_${name}`])
}

/** Is any of the stored names one that a wanted weight might have? */
export function namesSaySomething(wanted: readonly Wanted[], stored: readonly Named[]): boolean {
  const known = new Set(wanted.flatMap(spellings))
  return stored.some(({ parts }) => known.has(parts.at(-1) ?? ''))
}

/** Length of the longest ending of `layers` that the stored name holds in one piece. */
function sharedLayers(layers: readonly string[], parts: readonly string[]): number {
  const held = `/${parts.slice(0, -1).join('/')}/`
  for (let length = layers.length; length > 0; length--) {
    if (held.includes(`/${layers.slice(-length).join('/')}/`)) return length
  }
  return 0
}
