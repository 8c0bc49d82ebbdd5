import { RekindleError } from '../../errors.ts'
import { initializerRegistry } from '../../nn/initializers/index.ts'
import type { Identifier } from '../../nn/types.ts'
import type { Argument, Json, JsonObject, LayerCall, LayerGraph, LayerSpec, TensorRef, Tree } from '../doc.ts'
import { argumentLeaves, isArgument, isReference, treeToJson } from './inbound.ts'
import { dtypePolicy, isKerasObject, mapValues, moduleOfKey, wrap } from './objects.ts'
import { keras2Name, keras3OnlyKeys, withoutRefusedKeys } from './renames.ts'
import type { Report } from './report.ts'
import { field, groupBy, isArray, isObject, without } from './values.ts'

/**
 * The spellings of a model's JSON: Keras 3's in `.keras`, Keras 3's in `.h5` (without the outer wrapping), and Keras
 * 2's, which both families read.
 */
export type Dialect = 'keras3' | 'keras3-h5' | 'keras2'

/** A model as Keras's JSON. */
export function writeModelConfig(graph: LayerGraph, dialect: Dialect, report: Report): JsonObject {
  return modelNode(graph, dialect, report, { trainable: true })
}

interface ModelFacts {
  readonly trainable: boolean
  readonly buildConfig?: Json
}

function modelNode(model: LayerGraph, dialect: Dialect, report: Report, facts: ModelFacts): JsonObject {
  const graph = facts.trainable ? model : frozen(model)
  const sequential = graph.kind === 'sequential'
  const config = sequential
    ? sequentialConfig(graph, dialect, report, facts)
    : functionalConfig(graph, dialect, report, facts)
  const className = sequential ? 'Sequential' : 'Functional'
  if (dialect !== 'keras3') return { class_name: className, config }
  const module = sequential ? 'keras' : 'keras.src.models.functional'
  const shape = sequential ? entranceShape(graph) : undefined
  const buildConfig = facts.buildConfig ?? (shape ? { input_shape: shape } : undefined)
  return {
    module,
    class_name: className,
    config,
    registered_name: sequential ? null : 'Functional',
    ...(buildConfig === undefined ? {} : { build_config: buildConfig }),
  }
}

/** No Keras freezes all of a loaded model by the model's own flag: every layer says it for itself. */
function frozen(graph: LayerGraph): LayerGraph {
  return { ...graph, layers: graph.layers.map((layer) => ({ ...layer, trainable: false })) }
}

function sequentialConfig(graph: LayerGraph, dialect: Dialect, report: Report, { trainable }: ModelFacts): JsonObject {
  const layers = graph.layers.map((layer) => layerNode(layer, dialect, report))
  if (dialect === 'keras2') return { name: graph.name, layers }
  const shape = entranceShape(graph)
  return {
    name: graph.name,
    trainable,
    dtype: dtypePolicy('float32'),
    layers,
    ...(shape ? { build_input_shape: shape } : {}),
  }
}

function entranceShape(graph: LayerGraph): Json | undefined {
  const [first] = graph.layers
  return first?.className === 'InputLayer' ? first.config.batch_shape : undefined
}

function functionalConfig(graph: LayerGraph, dialect: Dialect, report: Report, { trainable }: ModelFacts): JsonObject {
  const numbering = dialect === 'keras2' ? keras2Numbering(graph) : keras3Numbering(graph)
  const calls = groupBy(graph.calls, (call) => call.layer)
  const layers = graph.layers.map((layer) => {
    const inbound = (calls.get(layer.name) ?? [])
      .filter((call) => call.args.length > 0 || Object.keys(call.kwargs).length > 0)
      .flatMap((call) => numbering.repeat(layer, writeCall(call, layer, graph, dialect, numbering)))
    return { ...layerNode(layer, dialect, report), name: layer.name, inbound_nodes: inbound }
  })
  return {
    name: graph.name,
    trainable,
    layers,
    input_layers: treeToJson(graph.inputs, isReference, (ref) => [ref.layer, ref.call, ref.output]),
    output_layers: treeToJson(graph.outputs, isReference, (ref) => [ref.layer, numbering.output(ref), ref.output]),
  }
}

/** How a dialect numbers the calls of models inside. */
interface Numbering {
  readonly inbound: (ref: TensorRef) => number
  readonly output: (ref: TensorRef) => number
  /** How often a call is listed. */
  readonly repeat: (layer: LayerSpec, call: Json) => Json[]
}

function nested(graph: LayerGraph): ReadonlySet<string> {
  return new Set(graph.layers.filter((layer) => layer.graph).map((layer) => layer.name))
}

/** From 0; in `output_layers` a functional model inside counts from 1. */
function keras3Numbering(graph: LayerGraph): Numbering {
  const fromOne = new Set(graph.layers.filter((layer) => layer.graph?.kind === 'functional').map((layer) => layer.name))
  return {
    inbound: (ref) => ref.call,
    output: (ref) => (fromOne.has(ref.layer) ? ref.call + 1 : ref.call),
    repeat: (_, call) => [call],
  }
}

/**
 * Keras 2 counts the calls of a model inside from 1, Keras 3 reads the same file from 0 (and outputs by the rule
 * above). So each call is listed twice and used by the odd number: call k is then the entries 2k and 2k + 1 from 0,
 * 2k + 1 and 2k + 2 from 1. Both drop what no output needs.
 */
function keras2Numbering(graph: LayerGraph): Numbering {
  const models = nested(graph)
  const number = (ref: TensorRef): number => (models.has(ref.layer) ? 2 * ref.call + 1 : ref.call)
  return { inbound: number, output: number, repeat: (layer, call) => (layer.graph ? [call, call] : [call]) }
}

function writeCall(call: LayerCall, layer: LayerSpec, graph: LayerGraph, dialect: Dialect, numbering: Numbering): Json {
  if (dialect === 'keras2') return writeOldCall(call, numbering)
  const shapes = inputShapes(layer)
  let next = 0
  const leaf = (argument: Argument): Json => {
    if (!('tensor' in argument)) return argument.constant
    const { tensor } = argument
    const shape = shapes[next++] ?? shapeOf(tensor, graph)
    const history = [tensor.layer, numbering.inbound(tensor), tensor.output]
    return { class_name: '__keras_tensor__', config: { shape, dtype: 'float32', keras_history: history } }
  }
  const args = call.args.map((arg) => treeToJson(arg, isArgument, leaf))
  const kwargs = mapValues(call.kwargs as unknown as JsonObject, (arg) =>
    treeToJson(arg as unknown as Tree<Argument>, isArgument, leaf),
  )
  return { args, kwargs }
}

/** The shapes of a call's inputs, as far as Keras noted them; it reads none of them back. */
function inputShapes(layer: LayerSpec): readonly Json[] {
  const shape = field(layer.buildConfig, 'input_shape')
  if (!isArray(shape)) return []
  return isArray(shape[0]) ? shape : [shape]
}

function shapeOf(ref: TensorRef, graph: LayerGraph): Json {
  const layer = graph.layers.find((candidate) => candidate.name === ref.layer)
  return (layer?.className === 'InputLayer' ? layer.config.batch_shape : undefined) ?? [null]
}

/** `[[name, call, output, kwargs], …]`. */
function writeOldCall(call: LayerCall, numbering: Numbering): Json {
  const name = ({ tensor }: { tensor: TensorRef }): Json[] => [tensor.layer, numbering.inbound(tensor), tensor.output]
  const kwargs = mapValues(call.kwargs as unknown as JsonObject, (arg) =>
    treeToJson(arg as unknown as Tree<Argument>, isArgument, (leaf) => ('tensor' in leaf ? name(leaf) : leaf.constant)),
  )
  const [first, ...others] = call.args
  if (first === undefined || others.some((arg) => argumentLeaves(arg).some((leaf) => 'tensor' in leaf))) {
    throw new RekindleError('E_UNSUPPORTED_OPTION', 'a call with several tensor arguments has no spelling in Keras 2', {
      where: call.layer,
      hint: 'save as .keras, or with the keras3 era',
    })
  }
  const leaves = treeToJson(first, isArgument, (leaf) =>
    'tensor' in leaf ? [...name(leaf), kwargs] : ['_CONSTANT_VALUE', -1, leaf.constant, kwargs],
  )
  return isArgument(first) ? [leaves] : leaves
}

function layerNode(layer: LayerSpec, dialect: Dialect, report: Report): JsonObject {
  const buildConfig = layer.buildConfig === undefined ? {} : { build_config: layer.buildConfig }
  if (layer.graph) {
    return modelNode(layer.graph, dialect, report, {
      trainable: layer.trainable,
      ...(layer.buildConfig === undefined ? {} : { buildConfig: layer.buildConfig }),
    })
  }
  const config = (layer.raw === undefined ? layerConfig : carriedConfig)(layer, dialect, report)
  if (dialect !== 'keras3') return { class_name: layer.registeredName ?? layer.className, config }
  return {
    module: layer.module ?? 'keras.layers',
    class_name: layer.className,
    config,
    registered_name: layer.registeredName ?? null,
    ...buildConfig,
  }
}

/**
 * A layer that is only carried goes back as it came, the same object, so that numbers keep their spelling. Between
 * the families it is translated as far as the spellings that all layers share go.
 */
function carriedConfig(layer: LayerSpec, dialect: Dialect, report: Report): JsonObject {
  const raw = field(layer.raw, 'config')
  if (!isObject(raw)) return layerIdentity(layer)
  const family = familyOf(raw)
  if (family !== undefined && family !== (dialect === 'keras2' ? 'keras2' : 'keras3'))
    return layerConfig(layer, dialect, report)
  const same = raw.name === layer.name && (raw.trainable ?? true) === layer.trainable
  return withoutRefusedKeys(layer.className, same ? raw : { ...raw, ...layerIdentity(layer) })
}

/** Keras 3 writes the dtype of every layer as a policy, Keras 2 as a name; other layers tell nothing. */
function familyOf(config: JsonObject): 'keras2' | 'keras3' | undefined {
  if (isKerasObject(config.dtype)) return 'keras3'
  return typeof config.dtype === 'string' ? 'keras2' : undefined
}

function layerIdentity(layer: LayerSpec): JsonObject {
  return { name: layer.name, trainable: layer.trainable }
}

function layerConfig(layer: LayerSpec, dialect: Dialect, report: Report): JsonObject {
  const plain = without(layer.config, ['name', 'trainable'])
  if (layer.className === 'InputLayer') return entranceConfig(layer.name, plain, dialect)
  const { dtype = 'float32', ...rest } = plain
  const activity = rest.activity_regularizer === null && dialect !== 'keras2' ? ['activity_regularizer'] : []
  const dropped = dialect === 'keras2' ? keras2Leaves(layer, plain, report) : activity
  if (dialect !== 'keras3' && isArray(rest.axis) && rest.axis.length > 1) {
    report.warn('option-lost', `Keras 3 reads one axis of ${layer.className} from .h5; .keras holds all`, layer.name)
  }
  const values = mapValues(without(rest, dropped), (value, key) => fieldValue(value, key, dialect))
  const named = Object.entries(values).map(([key, value]) => [keras2Name(layer.className, key), value] as const)
  const config = dialect === 'keras2' ? Object.fromEntries(named) : values
  const dtypeEntry = { dtype: dialect === 'keras2' ? dtype : dtypePolicy(dtype) }
  return withoutRefusedKeys(layer.className, { ...layerIdentity(layer), ...dtypeEntry, ...config })
}

function keras2Leaves(layer: LayerSpec, config: JsonObject, report: Report): string[] {
  const { used, unused } = keras3OnlyKeys(layer.className, config)
  for (const key of used) {
    report.warn('option-lost', `${layer.className} has no ${key} in Keras 2; it is not written`, layer.name)
  }
  return [...used, ...unused]
}

function entranceConfig(name: string, config: JsonObject, dialect: Dialect): JsonObject {
  const { batch_shape: shape = [null], dtype = 'float32', sparse = false, ragged = false, optional = false } = config
  const common = { dtype, sparse, ragged, name }
  return dialect === 'keras2' ? { batch_input_shape: shape, ...common } : { batch_shape: shape, ...common, optional }
}

/** A Keras object in a config, in the dialect's wrapping. */
function fieldValue(value: Json, key: string, dialect: Dialect): Json {
  const module = moduleOfKey(key)
  if (module === undefined || dialect === 'keras2') return value
  const name = isKerasObject(value) ? value.class_name : value
  const initializer = module === 'keras.initializers' && typeof name === 'string' && initializerRegistry.find(name)
  return initializer ? completeInitializer(value) : wrap(value, module)
}

/** Keras 3 writes the whole config, also of an initializer given by name. */
function completeInitializer(value: Json): Json {
  try {
    return initializerRegistry.serialize(value as Identifier)
  } catch {
    // A config that the table refuses is still carried.
    return wrap(value, 'keras.initializers')
  }
}
