import { formatJson, type JsonSpellings, parseJson } from '../../bytes/json.ts'
import { FLOAT_KEYS } from '../../nn/optimizers/index.ts'
import type { Json, LayerGraph } from '../doc.ts'
import { layerPlaces } from './places.ts'

/** How numbers were spelled in the files that layers came from, by the layer's own node. */
const SPELLINGS = new WeakMap<object, JsonSpellings>()

export interface ParsedConfig {
  readonly value: Json
  readonly spellings: JsonSpellings
}

export function parseConfig(text: string | Uint8Array, name: string): ParsedConfig {
  const { value, spellings } = parseJson(text, { name })
  return { value: value as Json, spellings }
}

/** Layers that are only carried go back with their numbers spelled as they came. */
export function rememberSpellings(graph: LayerGraph, spellings: JsonSpellings): void {
  for (const { layer } of layerPlaces(graph)) {
    if (typeof layer.raw === 'object' && layer.raw !== null) SPELLINGS.set(layer.raw, spellings)
  }
}

function spellingsOf(graph: LayerGraph): JsonSpellings | undefined {
  for (const { layer } of layerPlaces(graph)) {
    const found = typeof layer.raw === 'object' && layer.raw !== null ? SPELLINGS.get(layer.raw) : undefined
    if (found) return found
  }
  return undefined
}

/** Numbers that Python's Keras takes as floats only, or that are floats in every file of its own. */
const FLOATS: ReadonlySet<string> = new Set([
  ...FLOAT_KEYS,
  'rate',
  'epsilon',
  'l1',
  'l2',
  'alpha',
  'negative_slope',
  'max_value',
  'threshold',
  'label_smoothing',
  'stddev',
  'mean',
  'gain',
  'factor',
  'beta',
])

/** A config as Python's `json.dumps` writes it. */
export function formatConfig(value: Json, graph: LayerGraph): string {
  const spellings = spellingsOf(graph)
  return formatJson(value, { floatKeys: FLOATS, ...(spellings ? { spellings } : {}) })
}
