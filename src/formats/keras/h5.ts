import { planHdf5 } from '../../bytes/hdf5/index.ts'
import type { H5Group } from '../../bytes/hdf5/types.ts'
import { RekindleError } from '../../errors.ts'
import type { Codec, OutputFile, Probe, WriteOptions } from '../codec.ts'
import type { LayerCall, LayerGraph, LazyTensor, ModelDoc } from '../doc.ts'
import { writeTrainingConfig } from './compile.ts'
import { readModelConfig } from './config-read.ts'
import { type Dialect, writeModelConfig } from './config-write.ts'
import {
  KERAS_2_NAMING,
  KERAS_3_NAMING,
  outerLayers,
  readAllGroups,
  readGroups,
  readOptimizerGroup,
  writeGroups,
} from './groups.ts'
import { GroupDraft, readText } from './h5-tree.ts'
import { readHardSigmoid, writeHardSigmoid } from './hard-sigmoid.ts'
import { argumentLeaves } from './inbound.ts'
import { formatConfig, parseConfig, rememberSpellings } from './json-text.ts'
import { iterationTensor, learningRateTensor } from './optimizer-state.ts'
import { layerPlaces } from './places.ts'
import { originOf } from './producer.ts'
import { warnOfKeras2Refusals, warnOfKeras3Refusals } from './refusals.ts'
import { keras3OnlyKeys } from './renames.ts'
import { Report } from './report.ts'
import { formatState, parseState, STATE_ATTRIBUTE } from './state.ts'
import { nameSlots, readTraining, scalarNames, type WrittenTraining, writeTraining } from './training.ts'
import { field } from './values.ts'

const ID = 'keras-h5'
/** The versions whose dialects are written. */
const VERSIONS = { keras2: '2.15.0', keras3: '3.15.1' } as const

/** Keras's HDF5: a whole model, or weights by layer. */
export const kerasH5: Codec = {
  id: ID,
  extensions: ['.h5', '.hdf5'],
  async detect(probe) {
    const file = await probe.hdf5()
    if (!file) return false
    const attributes = await file.root.attributes()
    const marks = ['model_config', 'layer_names', 'layer_names0']
    return marks.some((name) => attributes.has(name)) || (await file.root.links()).has('model_weights')
  },
  read,
  write,
}

async function read(probe: Probe): Promise<ModelDoc> {
  const file = await probe.hdf5()
  if (!file) throw new RekindleError('E_INVALID_FILE', 'not an HDF5 file', { where: probe.name })
  const { root } = file
  const report = new Report()
  const text = await readText(root, 'model_config')
  return text === undefined ? readWeights(probe, root, report) : readModel(probe, root, text, report)
}

async function readModel(probe: Probe, root: H5Group, text: string, report: Report): Promise<ModelDoc> {
  const config = parseConfig(text, `${probe.name}@model_config`)
  const written = readModelConfig(config.value, report)
  rememberSpellings(written, config.spellings)
  const stateText = await readText(root, STATE_ATTRIBUTE)
  const own = stateText === undefined ? null : parseState(stateText, STATE_ATTRIBUTE, report)
  const origin = originOf(await readText(root, 'keras_version'), config.value, own !== null)
  const graph = readHardSigmoid(written, own?.hardSigmoid ?? origin.family)
  const group = await root.group('model_weights')
  const weights = group ? await readGroups(group, graph, report) : new Map<string, LazyTensor>()
  const trainingText = await readText(root, 'training_config')
  const trainingConfig =
    trainingText === undefined ? undefined : parseConfig(trainingText, `${probe.name}@training_config`).value
  const { family } = origin
  const variables = await readOptimizerGroup(root)
  const training = await readTraining({ config: trainingConfig, family, graph, weights, variables, own, report })
  return {
    format: ID,
    description: `${origin.label} HDF5, whole model`,
    producer: origin.producer,
    architecture: { kind: 'layers', graph },
    weights,
    training,
    assets: new Map(),
    rawConfig: {
      model_config: config.value,
      ...(trainingConfig === undefined ? {} : { training_config: trainingConfig }),
    },
    warnings: report.warnings,
    close: async () => probe.source.close?.(),
  }
}

async function readWeights(probe: Probe, root: H5Group, report: Report): Promise<ModelDoc> {
  const group = (await root.group('model_weights')) ?? root
  const version = (await readText(root, 'keras_version')) ?? (await readText(group, 'keras_version'))
  const origin = originOf(version, undefined, false)
  return {
    format: ID,
    description: `${origin.label} HDF5, weights only`,
    producer: origin.producer,
    architecture: { kind: 'weights' },
    weights: await readAllGroups(group),
    training: null,
    assets: new Map(),
    rawConfig: null,
    warnings: report.warnings,
    close: async () => probe.source.close?.(),
  }
}

async function write(doc: ModelDoc, options: WriteOptions): Promise<readonly OutputFile[]> {
  const report = new Report()
  const root = new GroupDraft()
  if (doc.architecture.kind === 'graph') {
    throw new RekindleError('E_UNSUPPORTED_FORMAT', 'a graph of operators has no layers to write as Keras HDF5')
  }
  if (options.weightsOnly || doc.architecture.kind === 'weights') writeWeights(root, doc)
  else writeModel(root, doc, doc.architecture.graph, options, report)
  for (const warning of report.warnings) options.onWarning?.(warning)
  const plan = planHdf5(root)
  return [{ path: '', size: plan.size, chunks: plan.chunks() }]
}

/** Keras 2's weights-only layout, which Keras 3 reads too. */
function writeWeights(root: GroupDraft, { architecture, weights }: ModelDoc): void {
  root.attributes.set('backend', 'tensorflow')
  root.attributes.set('keras_version', VERSIONS.keras2)
  writeGroups(
    root,
    architecture.kind === 'layers' ? outerLayers(architecture.graph, weights, KERAS_2_NAMING) : looseLayers(weights),
  )
}

/** Weights without a model, by the first part of their key. */
function looseLayers(weights: ReadonlyMap<string, LazyTensor>): Parameters<typeof writeGroups>[1] {
  const layers = new Map<string, { name: string; tensor: LazyTensor }[]>()
  for (const [key, tensor] of weights) {
    const [layer = key] = key.split('/')
    const group = layers.get(layer) ?? []
    layers.set(layer, group)
    group.push({ name: `${key}:0`, tensor })
  }
  return [...layers].map(([name, own]) => ({ name, weights: own }))
}

/** The common dialect, unless a layer uses what Keras 2 does not have: then the model would not come back whole. */
function eraFor(graph: LayerGraph, report: Report): 'common' | 'keras3' {
  for (const { layer } of layerPlaces(graph)) {
    const { used } = keras3OnlyKeys(layer.className, layer.config)
    if (used.length === 0) continue
    const message = `Keras 2 has no ${used.join(', ')} for ${layer.className}: written for Keras 3; tf-keras will not open it`
    report.warn('era-chosen', message, layer.name)
    return 'keras3'
  }
  for (const { layer } of callsWithStates(graph)) {
    const message = 'states given to a layer by name have no spelling that both Kerases read: written for tf-keras'
    report.warn('era-chosen', `${message}; Keras 3 opens it with the era keras3, or a .keras`, layer)
  }
  return 'common'
}

/** Calls that take tensors by keyword (`initial_state`), in the graph and in the models inside it. */
function callsWithStates(graph: LayerGraph): readonly LayerCall[] {
  const own = graph.calls.filter(({ kwargs }) =>
    Object.values(kwargs).some((argument) => argumentLeaves(argument).some((leaf) => 'tensor' in leaf)),
  )
  return [...own, ...graph.layers.flatMap((layer) => (layer.graph ? callsWithStates(layer.graph) : []))]
}

function writeModel(root: GroupDraft, doc: ModelDoc, own: LayerGraph, options: WriteOptions, report: Report): void {
  const { era: wanted = 'common' } = options
  const era = wanted === 'common' ? eraFor(own, report) : wanted
  if (doc.assets.size > 0)
    report.warn('assets-lost', `HDF5 has no place for the model's files: ${[...doc.assets.keys()].join(', ')}`)
  const dialect: Dialect = era === 'keras3' ? 'keras3-h5' : 'keras2'
  const naming = era === 'keras3' ? KERAS_3_NAMING : KERAS_2_NAMING
  const family = era === 'keras3' ? 'keras3' : 'keras2'
  const version = VERSIONS[family]
  const graph = writeHardSigmoid(own, family, report)
  if (era !== 'keras3') warnOfKeras2Refusals(graph, report)
  if (era !== 'keras2') warnOfKeras3Refusals(graph, report)
  const training = writeTraining(doc.training, era, graph, doc.weights, report)
  root.attributes.set('backend', 'tensorflow')
  root.attributes.set('keras_version', version)
  root.attributes.set('model_config', formatConfig(writeModelConfig(graph, dialect, report), graph))
  if (training)
    root.attributes.set(
      'training_config',
      formatConfig(writeTrainingConfig(training.compile, training.optimizer, graph, era), graph),
    )
  const state = formatState(doc, family)
  if (state !== null) root.attributes.set(STATE_ATTRIBUTE, state)
  const group = root.group('model_weights')
  group.attributes.set('backend', 'tensorflow')
  group.attributes.set('keras_version', version)
  writeGroups(group, outerLayers(graph, doc.weights, naming))
  if (training?.state && options.includeOptimizer !== false)
    writeOptimizer(root.group('optimizer_weights'), training, training.state)
}

function writeOptimizer(
  group: GroupDraft,
  training: WrittenTraining,
  state: NonNullable<WrittenTraining['state']>,
): void {
  const name = String(field(field(training.optimizer, 'config'), 'name') ?? 'optimizer')
  const scalars = scalarNames(training.era, name)
  const variables = [{ name: scalars.iteration, tensor: iterationTensor(state.iterations) }]
  if (scalars.learningRate !== null && state.learningRate !== null) {
    variables.push({ name: scalars.learningRate, tensor: learningRateTensor(state.learningRate) })
  }
  variables.push(...nameSlots(training, name, state.slots))
  group.names(
    'weight_names',
    variables.map((variable) => variable.name),
  )
  for (const variable of variables) group.dataset(variable.name, variable.tensor)
}
