import { RekindleError } from '../../errors.ts'
import type { LayerGraph, LazyTensor, ModelDoc, ModelWarning } from '../doc.ts'
import { matchByName, partsOf, wantedWeights } from './match-names.ts'
import { type LayerPlace, layerPlaces } from './places.ts'
import { groupBy } from './values.ts'
import { varsPlaces } from './vars.ts'

export interface MatchedWeights {
  /** By the model's own keys. */
  readonly weights: ReadonlyMap<string, LazyTensor>
  readonly warnings: readonly ModelWarning[]
}

/**
 * The weights of one file for the model of another: by canonical keys, by the paths of `.weights.h5`, by names inside
 * each layer, and at last by the order of the layers (models built anew are numbered anew: `dense_3`).
 *
 * @throws RekindleError `E_INVALID_WEIGHTS` naming what is missing; nothing is left unfilled in silence.
 */
export function matchWeights(graph: LayerGraph, { weights: given }: Pick<ModelDoc, 'weights'>): MatchedWeights {
  const places = [...layerPlaces(graph)]
  const wanted = places.flatMap(wantedWeights)
  for (const match of [byKey, byPath, byNames]) {
    const found = match(places, given)
    if (wanted.every(({ key }) => found.has(key))) return { weights: found, warnings: unusedWarnings(found, given) }
  }
  const ordered = byOrder(places, given)
  if (ordered) {
    const message = 'the layers have other names than in the model: the weights are taken in the order of the layers'
    return { weights: ordered, warnings: [{ code: 'weights-by-order', message }, ...unusedWarnings(ordered, given)] }
  }
  const closest = byNames(places, given)
  throw new RekindleError('E_INVALID_WEIGHTS', 'the weights are not those of the model', {
    expected: listed(wanted.map(({ key }) => key).filter((key) => !closest.has(key))),
    received: listed([...given.keys()]),
  })
}

type Given = ReadonlyMap<string, LazyTensor>

function byKey(places: readonly LayerPlace[], given: Given): Map<string, LazyTensor> {
  return pick(
    places.flatMap(wantedWeights).map(({ key }) => [key, key]),
    given,
  )
}

function byPath(places: readonly LayerPlace[], given: Given): Map<string, LazyTensor> {
  return pick(places.flatMap(varsPlaces), given)
}

function pick(pairs: readonly (readonly [key: string, from: string])[], given: Given): Map<string, LazyTensor> {
  return new Map(
    pairs.flatMap(([key, from]): [string, LazyTensor][] => {
      const tensor = given.get(from)
      return tensor ? [[key, tensor]] : []
    }),
  )
}

interface GivenWeight {
  readonly parts: readonly string[]
  readonly tensor: LazyTensor
}

function byNames(places: readonly LayerPlace[], given: Given): Map<string, LazyTensor> {
  const stored = givenByLayer(given)
  const found = new Map<string, LazyTensor>()
  for (const [layer, own] of groupBy(places, (place) => place.names[0] as string)) {
    for (const [key, { tensor }] of matchByName(own.flatMap(wantedWeights), stored.get(layer) ?? []))
      found.set(key, tensor)
  }
  return found
}

function givenByLayer(given: Given): Map<string, GivenWeight[]> {
  const weights = [...given].map(([key, tensor]): GivenWeight => ({ parts: partsOf(key), tensor }))
  return groupBy(weights, ({ parts }) => parts[0] ?? '')
}

/** Layer by layer, where both have as many layers with weights, and each as many weights of the same names. */
function byOrder(places: readonly LayerPlace[], given: Given): Map<string, LazyTensor> | undefined {
  const wanted = [...groupBy(places.flatMap(wantedWeights), ({ layers }) => layers[0] as string).values()]
  const stored = [...givenByLayer(given).values()]
  if (wanted.length !== stored.length) return undefined
  const found = new Map<string, LazyTensor>()
  for (const [i, own] of wanted.entries()) {
    const candidates = stored[i] as GivenWeight[]
    const matched = matchByName(own, candidates)
    if (own.length !== candidates.length || matched.size !== own.length) return undefined
    for (const [key, { tensor }] of matched) found.set(key, tensor)
  }
  return found
}

function unusedWarnings(found: Given, given: Given): ModelWarning[] {
  const used = new Set(found.values())
  const unused = [...given].filter(([, tensor]) => !used.has(tensor)).map(([key]) => key)
  if (unused.length === 0) return []
  return [{ code: 'unused-weight', message: `no layer takes ${listed(unused)}` }]
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${some} and ${names.length - 5} more` : some || 'none'
}
