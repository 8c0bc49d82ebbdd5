import { formatJson, parseJson } from '../../bytes/json.ts'
import { RekindleError } from '../../errors.ts'
import type { CompileSpec, Json, JsonObject, ModelDoc, RunState } from '../doc.ts'
import { type HardSigmoid, hardSigmoidOf } from './hard-sigmoid.ts'
import type { Report } from './report.ts'
import { field, isObject } from './values.ts'

/** Where our own state travels: both Kerases ignore it. */
export const STATE_ENTRY = 'rekindle.json'
export const STATE_ATTRIBUTE = 'rekindle_state'

/** The layout of the state; a reader takes what it knows. */
const VERSION = 1

export interface OwnState {
  readonly compile: CompileSpec | null
  readonly run: RunState | null
  /** Set where `hard_sigmoid` does not mean what the file's dialect would say. */
  readonly hardSigmoid: HardSigmoid | null
}

/**
 * What the file's own dialect may not be able to say: the exact settings, where the run stands, which `hard_sigmoid` is
 * meant. Null when there is nothing to say.
 */
export function formatState({ training, architecture }: ModelDoc, family: HardSigmoid): string | null {
  const meaning = architecture.kind === 'layers' ? hardSigmoidOf(architecture.graph) : null
  const hardSigmoid = meaning === family ? null : meaning
  if (!training && !hardSigmoid) return null
  const { compile = null, run = null } = training ?? {}
  const state = {
    version: VERSION,
    writer: 'rekindle',
    compile: compile as unknown as Json,
    run: run as unknown as Json,
    ...(hardSigmoid && { hard_sigmoid: hardSigmoid }),
  }
  return formatJson(state)
}

/** Null, with a warning, for a state that cannot be read: the rest of the file is whole without it. */
export function parseState(text: string | Uint8Array, name: string, report: Report): OwnState | null {
  try {
    const { value } = parseJson(text, { name })
    if (isObject(value as Json) && field(value as Json, 'version') === VERSION) {
      const meaning = field(value as Json, 'hard_sigmoid')
      return {
        compile: readCompileSpec(field(value as Json, 'compile')),
        run: readRun(field(value as Json, 'run')),
        hardSigmoid: meaning === 'keras2' || meaning === 'keras3' ? meaning : null,
      }
    }
  } catch (error) {
    if (!(error instanceof RekindleError)) throw error
  }
  report.warn('state-not-read', "Rekindle's own state in the file cannot be read; the run's position is lost", name)
  return null
}

const COMPILE_KEYS = ['optimizer', 'loss', 'lossWeights', 'metrics', 'weightedMetrics'] as const

function readCompileSpec(value: Json | undefined): CompileSpec | null {
  if (!isObject(value)) return null
  const entries = COMPILE_KEYS.map((key) => [key, field(value, key) ?? null])
  return Object.fromEntries(entries) as unknown as CompileSpec
}

const POSITIONS = ['seed', 'step', 'epoch', 'stepInEpoch'] as const

function readRun(value: Json | undefined): RunState | null {
  if (!isObject(value)) return null
  const whole = POSITIONS.every((key) => Number.isSafeInteger(field(value, key)))
  return whole ? ({ ...value } as JsonObject as unknown as RunState) : null
}
