import { RekindleError } from '../../errors.ts'
import { LAYERS } from '../../nn/layers/index.ts'
import type { Json, JsonObject, LayerCall, LayerGraph, LayerSpec, TensorRef } from '../doc.ts'
import {
  callTensors,
  type FileCall,
  isArgument,
  isNewStyle,
  mapCallTensors,
  mapReferences,
  readCalls,
  readReferences,
  referenceLeaves,
  withNamedStates,
} from './inbound.ts'
import { isKerasModule } from './objects.ts'
import { canonicalConfig } from './renames.ts'
import type { Report } from './report.ts'
import { warnAboutCode } from './security.ts'
import {
  field,
  invalidConfig,
  isArray,
  isObject,
  requireArray,
  requireObject,
  requireString,
  stringField,
} from './values.ts'

/** Models inside models; Keras itself ends near 1,000 by Python's recursion limit. */
const MOST_LEVELS = 100

/**
 * A model from Keras's JSON, of any era: `{ class_name, config }` with everything below it.
 *
 * @throws RekindleError `E_INVALID_CONFIG` with the place in the JSON, `E_LIMIT` for models nested too deeply.
 */
export function readModelConfig(node: Json, report: Report): LayerGraph {
  const root = requireObject(node, 'model_config')
  if (!isModelNode(root))
    throw invalidConfig('model_config', 'a Sequential or functional model', stringField(root, 'class_name'))
  warnAboutCode(root, report)
  return readGraph(root, report, 'model_config', 1)
}

/** Is this layer itself a model? Told by what it holds: users subclass Model. */
export function isModelNode(node: JsonObject): boolean {
  const config = field(node, 'config')
  if (stringField(node, 'class_name') === 'Sequential') return isArray(config) || isArray(field(config, 'layers'))
  return isArray(field(config, 'layers')) && field(config, 'output_layers') !== undefined
}

function readGraph(node: JsonObject, report: Report, where: string, level: number): LayerGraph {
  if (level > MOST_LEVELS) {
    throw new RekindleError('E_LIMIT', 'models nested too deeply', { where, expected: `at most ${MOST_LEVELS} levels` })
  }
  const className = stringField(node, 'class_name')
  if (className === 'Sequential') return readSequential(node, report, where, level)
  if (className !== 'Functional' && className !== 'Model') {
    report.warn(
      'custom-model',
      `the class ${className} is read as a functional model; what it adds in Python is not known`,
      where,
    )
  }
  return readFunctional(node, report, where, level)
}

function readSequential(node: JsonObject, report: Report, where: string, level: number): LayerGraph {
  // Keras 1 and early 2 wrote the bare list of layers.
  const config = field(node, 'config') as Json
  const nodes = requireArray(isArray(config) ? config : field(config, 'layers'), `${where}.layers`)
  const layers = readLayers(nodes, report, where, level)
  const entrance = missingEntrance(node, nodes, layers)
  const all = entrance ? [entrance, ...layers] : layers
  const open = all[0]?.className !== 'InputLayer'
  const calls = all.map((layer, i): LayerCall => {
    const previous = all[i - 1]
    return { layer: layer.name, args: previous ? [{ tensor: refTo(previous.name) }] : [], kwargs: {} }
  })
  return {
    kind: 'sequential',
    className: 'Sequential',
    name: modelName(node, 'sequential'),
    layers: all,
    calls,
    inputs: open || !all[0] ? [] : refTo(all[0].name),
    outputs: all.length === 0 ? [] : refTo((all.at(-1) as LayerSpec).name),
  }
}

function refTo(layer: string): TensorRef {
  return { layer, call: 0, output: 0 }
}

/** The InputLayer that a file leaves out although it knows the shape: older ones had it on the first layer. */
function missingEntrance(
  node: JsonObject,
  nodes: readonly Json[],
  layers: readonly LayerSpec[],
): LayerSpec | undefined {
  const first = layers[0]
  if (!first || first.className === 'InputLayer') return undefined
  const { shape, dtype } = firstShape(nodes[0] as Json) ?? {
    shape: field(field(node, 'config'), 'build_input_shape') ?? field(field(node, 'build_config'), 'input_shape'),
    dtype: undefined,
  }
  if (!isShape(shape)) return undefined
  const names = new Set(layers.map((layer) => layer.name))
  let name = `${first.name}_input`
  while (names.has(name)) name += '_'
  const config = {
    batch_shape: shape,
    dtype: typeof dtype === 'string' ? dtype : 'float32',
    sparse: false,
    ragged: false,
  }
  return { className: 'InputLayer', name, config, trainable: true }
}

/** The input shape on a layer's own config, or on the first layer of a model inside. */
function firstShape(node: Json): { shape: Json; dtype: Json | undefined } | undefined {
  let config = field(node, 'config')
  for (let level = 0; level < MOST_LEVELS; level++) {
    const inner = isArray(config) ? config : field(config, 'layers')
    if (!isArray(inner)) break
    config = field(inner[0], 'config')
  }
  const dtype = field(config, 'dtype')
  const whole = field(config, 'batch_input_shape') ?? field(config, 'batch_shape')
  if (whole !== undefined && whole !== null) return { shape: whole, dtype }
  const size = field(config, 'input_dim')
  return typeof size === 'number' ? { shape: [null, size], dtype } : undefined
}

function isShape(value: Json | undefined): value is readonly (number | null)[] {
  return isArray(value) && value.length > 0 && value.every((dim) => dim === null || typeof dim === 'number')
}

/** Layers whose calls may bring states along. */
const RECURRENT = ['RNN', 'SimpleRNN', 'LSTM', 'GRU', 'ConvLSTM1D', 'ConvLSTM2D', 'ConvLSTM3D', 'Bidirectional']

/** Keras 2 notes the shapes of the states too; Keras 3 builds by that of the sequence. */
function withOwnInputShape(layer: LayerSpec): LayerSpec {
  const shapes = field(layer.buildConfig, 'input_shape')
  if (!RECURRENT.includes(layer.className) || !isArray(shapes) || !isArray(shapes[0])) return layer
  return { ...layer, buildConfig: { input_shape: shapes[0] } }
}

function readFunctional(node: JsonObject, report: Report, where: string, level: number): LayerGraph {
  const config = requireObject(field(node, 'config'), `${where}.config`)
  const nodes = requireArray(field(config, 'layers'), `${where}.layers`)
  const layers = readLayers(nodes, report, where, level).map(withOwnInputShape)
  const names = new Set(layers.map((layer) => layer.name))
  const calls = new Map<string, readonly FileCall[]>()
  let newStyle = false
  for (const [i, layerNode] of nodes.entries()) {
    const { name } = layers[i] as LayerSpec
    const inbound = field(layerNode, 'inbound_nodes')
    newStyle ||= isArray(inbound) && inbound.some(isNewStyle)
    const listed = readCalls(inbound, names, `${where}.${name}.inbound_nodes`)
    const { className, graph } = layers[i] as LayerSpec
    const named = RECURRENT.includes(className) ? listed.map(withNamedStates) : listed
    calls.set(name, graph ? named.map(withoutNullMask) : named)
  }
  const inputs = readReferences(field(config, 'input_layers'), `${where}.input_layers`)
  const outputs = readReferences(field(config, 'output_layers'), `${where}.output_layers`)
  const numbering = newStyle ? keras3Numbering(layers, calls) : keras2Numbering(layers, calls, referenceLeaves(outputs))
  const renumbered = new Map(
    [...calls].map(([name, list]) => [name, list.map((call) => mapCallTensors(call, numbering.inbound))]),
  )
  const entrances = mapReferences(inputs, (ref) => ref)
  const exits = mapReferences(outputs, numbering.output)
  const graph = {
    kind: 'functional',
    className: 'Functional',
    name: modelName(node, 'functional'),
    layers,
    inputs: entrances as LayerGraph['inputs'],
  } as const
  return { ...graph, ...connect(layers, renumbered, exits as LayerGraph['outputs'], where) }
}

/** Keras 3 notes for models inside that no mask was given. */
function withoutNullMask({ args, kwargs }: FileCall): FileCall {
  const { mask, ...rest } = kwargs
  const none = mask !== undefined && isArgument(mask) && 'constant' in mask && mask.constant === null
  return { args, kwargs: none ? rest : kwargs }
}

interface Numbering {
  readonly inbound: (ref: TensorRef) => TensorRef
  readonly output: (ref: TensorRef) => TensorRef
}

/** Keras 3 counts calls from 0, except in `output_layers`, where a functional model inside counts from 1. */
function keras3Numbering(layers: readonly LayerSpec[], calls: ReadonlyMap<string, readonly FileCall[]>): Numbering {
  const fromOne = new Set(layers.filter((layer) => layer.graph?.kind === 'functional').map((layer) => layer.name))
  return {
    inbound: (ref) => ref,
    output(ref) {
      const shifted = fromOne.has(ref.layer) || ref.call >= (calls.get(ref.layer)?.length ?? 0)
      return shifted && ref.call > 0 ? { ...ref, call: ref.call - 1 } : ref
    },
  }
}

/**
 * Keras 2 counts the calls of a model inside from 1 when the model was made on its own, else from 0. Every listed call
 * leads to an output, so the lowest number that occurs is where the count starts.
 */
function keras2Numbering(
  layers: readonly LayerSpec[],
  calls: ReadonlyMap<string, readonly FileCall[]>,
  outputs: readonly TensorRef[],
): Numbering {
  const start = new Map<string, number>(layers.filter((layer) => layer.graph).map((layer) => [layer.name, Infinity]))
  for (const { layer, call } of [...[...calls.values()].flat().flatMap(callTensors), ...outputs]) {
    const least = start.get(layer)
    if (least !== undefined) start.set(layer, Math.min(least, call))
  }
  const shift = (ref: TensorRef): TensorRef => ({ ...ref, call: ref.call - (start.get(ref.layer) ?? 0) })
  return { inbound: shift, output: shift }
}

/** The calls that lead to an output, renumbered: a file may list others, which Keras drops too. */
function connect(
  layers: readonly LayerSpec[],
  calls: ReadonlyMap<string, readonly FileCall[]>,
  outputs: LayerGraph['outputs'],
  where: string,
): Pick<LayerGraph, 'calls' | 'outputs'> {
  const key = (ref: TensorRef): string => `${ref.call}:${ref.layer}`
  const isEntrance = new Set(layers.filter((layer) => layer.className === 'InputLayer').map((layer) => layer.name))
  const used = new Set<string>()
  const waiting = [...referenceLeaves(outputs)]
  for (let ref = waiting.pop(); ref; ref = waiting.pop()) {
    if (used.has(key(ref))) continue
    const call = calls.get(ref.layer)?.[ref.call]
    const exists = calls.has(ref.layer) && (call !== undefined || (isEntrance.has(ref.layer) && ref.call === 0))
    if (!exists) throw invalidConfig(where, 'tensors that the layers give', `call ${ref.call} of layer ${ref.layer}`)
    used.add(key(ref))
    if (call) waiting.push(...callTensors(call))
  }
  const numbers = new Map<string, number>()
  const kept: { layer: string; call: FileCall }[] = []
  for (const { name } of layers) {
    const own = isEntrance.has(name) ? [{ args: [], kwargs: {} }] : (calls.get(name) ?? [])
    let number = 0
    for (const [i, call] of own.entries()) {
      const from = key({ layer: name, call: i, output: 0 })
      if (!used.has(from) && !isEntrance.has(name)) continue
      numbers.set(from, number++)
      kept.push({ layer: name, call })
    }
  }
  const renumber = (ref: TensorRef): TensorRef => ({ ...ref, call: numbers.get(key(ref)) as number })
  return {
    calls: kept.map(({ layer, call }) => ({ layer, ...mapCallTensors(call, renumber) })),
    outputs: mapReferences(outputs, renumber) as LayerGraph['outputs'],
  }
}

function modelName(node: JsonObject, fallback: string): string {
  return stringField(field(node, 'config'), 'name') ?? stringField(node, 'name') ?? fallback
}

function readLayers(nodes: readonly Json[], report: Report, where: string, level: number): LayerSpec[] {
  const names = new Set<string>()
  return nodes.map((node, i) => {
    const layer = readLayer(requireObject(node, `${where}.layers[${i}]`), report, `${where}.layers[${i}]`, level)
    if (names.has(layer.name)) throw invalidConfig(`${where}.layers[${i}]`, 'a name of its own', layer.name)
    names.add(layer.name)
    return layer
  })
}

function readLayer(node: JsonObject, report: Report, where: string, level: number): LayerSpec {
  const spelled = requireString(field(node, 'class_name'), `${where}.class_name`)
  // HDF5 files name a registered class by its package too: `acme>Scale`.
  const className = spelled.slice(spelled.lastIndexOf('>') + 1)
  const config = field(node, 'config')
  const name = requireString(field(node, 'name') ?? field(config, 'name') ?? modelNameOrNothing(node), `${where}.name`)
  const trainable = field(config, 'trainable') !== false
  const module = field(node, 'module')
  const registeredName = spelled === className ? field(node, 'registered_name') : spelled
  const buildConfig = field(node, 'build_config')
  const beside = {
    name,
    trainable,
    ...(typeof module === 'string' && !isKerasModule(module) ? { module } : {}),
    ...(typeof registeredName === 'string' && registeredName !== className ? { registeredName } : {}),
    ...(buildConfig === undefined || buildConfig === null ? {} : { buildConfig }),
  }
  if (isModelNode(node)) {
    const graph = readGraph(node, report, where, level + 1)
    return { className: graph.className, config: {}, ...beside, graph }
  }
  const known = LAYERS.has(className) && isKerasModule(module) && spelled === className
  if (!known)
    report.warn(
      'unknown-layer',
      `layers of class ${className} are kept and written back, but cannot run here yet`,
      name,
    )
  const plain = isObject(config) ? canonicalConfig(className, config) : {}
  return { className, config: plain, ...beside, ...(known ? {} : { raw: node }) }
}

/** Models inside a Keras 1 Sequential had no name of their own. */
function modelNameOrNothing(node: JsonObject): string | undefined {
  return isModelNode(node) ? modelName(node, 'sequential') : undefined
}
