import type { CompileSpec, Json, LayerGraph, LazyTensor, TrainingState } from '../doc.ts'
import { readCompile } from './compile.ts'
import { referenceLeaves } from './inbound.ts'
import {
  hasOwnLegacyFormula,
  type OptimizerSpec,
  optimizerEra,
  optimizerSpec,
  readOptimizer,
  writeCommonOptimizer,
  writeKeras2Optimizer,
  writeKeras3Optimizer,
} from './optimizer-config.ts'
import { type OptimizerEra, optimizerLayout } from './optimizer-layouts.ts'
import {
  arrangeSlots,
  type PlacedSlot,
  readOptimizerState,
  type StoredVariable,
  trainedWeights,
} from './optimizer-state.ts'
import type { Report } from './report.ts'
import type { OwnState } from './state.ts'
import { field, isObject } from './values.ts'

interface TrainingParts {
  /** `training_config` or `compile_config`. */
  readonly config: Json | undefined
  readonly family: 'keras2' | 'keras3'
  readonly graph: LayerGraph
  readonly weights: ReadonlyMap<string, LazyTensor>
  /** The optimizer's variables in the file; undefined when it has none. */
  readonly variables: readonly StoredVariable[] | undefined
  readonly own: OwnState | null
  readonly report: Report
}

/** What a file says about training: settings, the optimizer's state, and where the run stands. */
export async function readTraining(parts: TrainingParts): Promise<TrainingState | null> {
  const { config, family, graph, weights, variables, own, report } = parts
  if (!isObject(config)) return own ? emptyState(own) : null
  const optimizerNode = field(config, 'optimizer_config') ?? field(config, 'optimizer')
  const era = optimizerEra(optimizerNode, family)
  const outputs = referenceLeaves(graph.outputs).map((ref) => ref.layer)
  const compile = readCompile(config, outputs, era)
  if (!compile) return own ? emptyState(own) : null
  const spec = optimizerSpec(readOptimizer(optimizerNode ?? null, era))
  const state =
    spec && variables && variables.length > 0
      ? await readOptimizerState({ ...spec, era, variables }, trainedWeights(graph, weights), report)
      : null
  if (!state && spec && !variables) {
    report.warn('optimizer-state-absent', `the file has no state of the optimizer ${spec.className}: it starts fresh`)
  }
  return {
    compile: own?.compile ?? compile,
    iterations: state?.iterations ?? null,
    slots: state?.slots ?? [],
    run: own?.run ?? null,
  }
}

function emptyState({ compile, run }: OwnState): TrainingState | null {
  return compile || run ? { compile, run, iterations: null, slots: [] } : null
}

/** The training part of a file about to be written. */
export interface WrittenTraining {
  readonly era: OptimizerEra
  /** The optimizer in the era's spelling. */
  readonly optimizer: Json
  readonly compile: CompileSpec
  /** Null when the state cannot stand in this file. */
  readonly state: {
    readonly iterations: number
    readonly learningRate: number | null
    readonly slots: readonly PlacedSlot[]
  } | null
}

/** The optimizer of a training state in the spelling of an era, and its slots in that era's order. */
export function writeTraining(
  training: TrainingState | null,
  wanted: 'common' | 'keras2' | 'keras3',
  graph: LayerGraph,
  weights: ReadonlyMap<string, LazyTensor>,
  report: Report,
): WrittenTraining | null {
  const compile = training?.compile
  const spec = compile && optimizerSpec(compile.optimizer)
  if (!compile || !spec) return null
  const { era, optimizer } = spellOptimizer(spec, wanted, report)
  const state = writeState(training, spec, era, graph, weights, report)
  return { era, optimizer, compile, state }
}

function spellOptimizer(
  spec: OptimizerSpec,
  wanted: 'common' | 'keras2' | 'keras3',
  report: Report,
): { era: OptimizerEra; optimizer: Json } {
  const keras3 = (): { era: OptimizerEra; optimizer: Json } => ({
    era: 'keras3',
    optimizer: writeKeras3Optimizer(spec, report),
  })
  if (wanted === 'keras3') return keras3()
  // A legacy optimizer has its own place in tf-keras's files.
  const common = wanted === 'common' || spec.config.legacy === true ? writeCommonOptimizer(spec) : null
  if (common !== null) {
    if (spec.config.legacy !== true && hasOwnLegacyFormula(spec.className, spec.config)) {
      report.warn(
        'formula-differs',
        `tf-keras will continue ${spec.className} by its legacy formula, which differs slightly`,
      )
    }
    return { era: 'legacy', optimizer: common }
  }
  const keras2 = writeKeras2Optimizer(spec)
  const chosen = keras2 === null ? keras3() : ({ era: 'keras2', optimizer: keras2 } as const)
  const missing = wanted === 'common' ? 'no spelling that both Kerases read' : 'no spelling in tf-keras'
  if (wanted === 'common' || keras2 === null) {
    const [reader, other] = keras2 === null ? ['Keras 3', 'tf-keras'] : ['tf-keras', 'Keras 3']
    report.warn(
      'era-chosen',
      `${spec.className} with these settings has ${missing}: written for ${reader}; ${other} will not find its settings`,
    )
  }
  return chosen
}

function writeState(
  training: TrainingState,
  spec: OptimizerSpec,
  era: OptimizerEra,
  graph: LayerGraph,
  weights: ReadonlyMap<string, LazyTensor>,
  report: Report,
): WrittenTraining['state'] {
  if (training.iterations === null) return null
  const slots = arrangeSlots({ ...spec, era }, training.slots, trainedWeights(graph, weights))
  if (!slots) {
    const known = optimizerLayout(spec.className, spec.config, era) !== undefined
    report.warn(
      'optimizer-state-lost',
      `the state of ${spec.className} is not written: ${known ? 'it is not complete' : 'its layout is not known'}`,
    )
    return null
  }
  const rate = spec.config.learning_rate
  return { iterations: training.iterations, learningRate: typeof rate === 'number' ? rate : null, slots }
}

/** The names of the optimizer's variables as the era's `.h5` has them, each with its tensor. */
export function nameSlots(
  { era }: WrittenTraining,
  optimizerName: string,
  slots: readonly PlacedSlot[],
): { readonly name: string; readonly tensor: LazyTensor }[] {
  const taken = new Set<string>()
  return slots.map(({ weight, stored, tensor }) => {
    const name = SLOT_NAMES[era](optimizerName, weight, stored)
    // Layers of one name in different models inside: nobody reads the names, but HDF5 wants them apart.
    let unique = name
    for (let i = 1; taken.has(unique); i++) unique = name.replace(/(:0)?$/, `_${i}$1`)
    taken.add(unique)
    return { name: unique, tensor }
  })
}

const SLOT_NAMES: { readonly [era in OptimizerEra]: (optimizer: string, weight: string, slot: string) => string } = {
  keras3: (optimizer, weight, slot) => `${optimizer}/${weight.replaceAll('/', '_')}_${slot}`,
  keras2: (optimizer, weight, slot) => `${optimizer}/${slot}/${innermost(weight)}:0`,
  legacy: (optimizer, weight, slot) => `${optimizer}/${innermost(weight)}/${slot}:0`,
}

function innermost(weight: string): string {
  return weight.split('/').slice(-2).join('/')
}

/** The scalars in front, by the era's names. */
export function scalarNames(
  era: OptimizerEra,
  optimizerName: string,
): { iteration: string; learningRate: string | null } {
  if (era === 'keras3')
    return { iteration: `${optimizerName}/iteration`, learningRate: `${optimizerName}/learning_rate` }
  return { iteration: era === 'keras2' ? 'iteration:0' : `${optimizerName}/iter:0`, learningRate: null }
}
