import type { Json, LayerGraph, ModelWarning } from '../doc.ts'
import { readModelConfig } from './config-read.ts'
import { writeModelConfig } from './config-write.ts'
import { readHardSigmoid, writeHardSigmoid } from './hard-sigmoid.ts'
import { formatConfig, parseConfig, rememberSpellings } from './json-text.ts'
import { originOf } from './producer.ts'
import { Report } from './report.ts'

/** The architecture as the text that Keras 3's `model.to_json()` gives. */
export function kerasJson(graph: LayerGraph): string {
  const report = new Report()
  return formatConfig(writeModelConfig(writeHardSigmoid(graph, 'keras3', report), 'keras3', report), graph)
}

/**
 * An architecture from the JSON of any Keras's `to_json()`: text, or what a parser made of it.
 *
 * @param onWarning is told what could not be taken over.
 * @throws RekindleError `E_INVALID_JSON`, `E_INVALID_CONFIG`.
 */
export function readKerasJson(json: string | Json, onWarning: (warning: ModelWarning) => void = () => {}): LayerGraph {
  const report = new Report()
  const parsed = typeof json === 'string' ? parseConfig(json, 'architecture') : null
  const config = parsed ? parsed.value : (json as Json)
  const written = readModelConfig(config, report)
  const graph = readHardSigmoid(written, originOf(undefined, config, false).family)
  if (parsed) rememberSpellings(graph, parsed.spellings)
  for (const warning of report.warnings) onWarning(warning)
  return graph
}
