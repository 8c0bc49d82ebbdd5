import { metricRegistry } from '../../nn/metrics/index.ts'
import { toSnakeCase } from '../../nn/naming.ts'
import type { CompileSpec, Json, JsonObject, LayerGraph, TensorRef } from '../doc.ts'
import { argumentLeaves, referenceLeaves } from './inbound.ts'
import { isKerasObject, mapValues } from './objects.ts'
import { field, isArray, isObject } from './values.ts'

/** What is known of one output without running the model. */
interface OutputFacts {
  readonly name: string
  /** Size of the last axis. */
  readonly width: number | undefined
  /** `sparse_categorical_crossentropy`. */
  readonly loss: string | undefined
}

export interface MetricForm {
  /** Also the names that follow from shapes (`accuracy`); Keras 3 resolves those itself. */
  readonly shapeNames: boolean
  /** With several outputs, as tf-keras names them: `flag_mae`. Keras 3 adds the output itself. */
  readonly outputInName: boolean
}

/**
 * Metrics given by name, as objects that keep the name: after loading an `.h5` with bare names, tf-keras takes
 * `accuracy` for exact equality, and both Kerases report `mse` as `mean_squared_error`.
 */
export function metricsAsObjects(
  compile: CompileSpec,
  metrics: Json,
  graph: LayerGraph,
  { shapeNames, outputInName }: MetricForm,
): Json {
  const facts = referenceLeaves(graph.outputs).map((ref, i): OutputFacts => {
    return { name: ref.layer, width: widthOf(graph, ref), loss: lossName(compile.loss, i, ref.layer) }
  })
  const byName = (name: string): OutputFacts | undefined => facts.find((output) => output.name === name)
  const convert = (value: Json, output: OutputFacts | undefined): Json => {
    if (isArray(value)) return value.map((item) => convert(item, output))
    const metric = typeof value === 'string' ? asObject(value, output, shapeNames) : value
    return outputInName && facts.length > 1 && output ? nameWithOutput(metric, output.name) : metric
  }
  if (isArray(metrics)) return metrics.map((item, i) => convert(item, facts[facts.length > 1 ? i : 0]))
  if (isObject(metrics) && !isKerasObject(metrics))
    return mapValues(metrics, (item, name) => convert(item, byName(name)))
  return convert(metrics, facts[0])
}

function nameWithOutput(metric: Json, output: string): Json {
  const config = field(metric, 'config')
  if (!isKerasObject(metric) || !isObject(config) || typeof config.name !== 'string') return metric
  return { ...metric, config: { ...config, name: `${output}_${config.name}` } }
}

const BY_SHAPES = ['accuracy', 'acc', 'crossentropy', 'ce']

function asObject(name: string, output: OutputFacts | undefined, shapeNames: boolean): Json {
  const lower = name.toLowerCase()
  const className = BY_SHAPES.includes(lower)
    ? shapeNames && classByShapes(lower, output)
    : metricRegistry.find(name)?.className
  if (!className || !metricRegistry.find(className)) return name
  return metricRegistry.serializeLegacy({ class_name: className, config: { name } }) as unknown as JsonObject
}

/** Keras goes by the shapes of targets and predictions; here the loss tells whether targets are class numbers. */
function classByShapes(name: string, output: OutputFacts | undefined): string | undefined {
  const kind = name.startsWith('acc') ? 'Accuracy' : 'Crossentropy'
  if (!output) return undefined
  if (output.width === 1) return `Binary${kind}`
  if (output.loss?.startsWith('sparse')) return `SparseCategorical${kind}`
  if (output.width !== undefined || output.loss?.startsWith('categorical')) return `Categorical${kind}`
  return undefined
}

function lossName(loss: Json, index: number, output: string): string | undefined {
  const own = isArray(loss) ? loss[index] : isObject(loss) && !isKerasObject(loss) ? field(loss, output) : loss
  const name = isKerasObject(own) ? own.class_name : own
  return typeof name === 'string' ? toSnakeCase(name) : undefined
}

/** Layers that leave the last axis as it is. */
const SAME_WIDTH: ReadonlySet<string> = new Set([
  'Activation',
  'Dropout',
  'BatchNormalization',
  'LayerNormalization',
  'Softmax',
  'ReLU',
  'LeakyReLU',
])
/** Config keys that state the last axis. */
const WIDTH_KEYS = ['units', 'filters']

function widthOf(graph: LayerGraph, ref: TensorRef): number | undefined {
  let at: TensorRef | undefined = ref
  for (let steps = 0; at && steps <= graph.calls.length; steps++) {
    const here: TensorRef = at
    const layer = graph.layers.find((candidate) => candidate.name === here.layer)
    if (!layer) return undefined
    if (layer.graph) {
      const [only, ...others] = referenceLeaves(layer.graph.outputs)
      return only && others.length === 0 ? widthOf(layer.graph, only) : undefined
    }
    const width = WIDTH_KEYS.map((key) => layer.config[key]).find((value) => typeof value === 'number')
    if (typeof width === 'number') return width
    if (!SAME_WIDTH.has(layer.className)) return undefined
    const input = graph.calls.filter((candidate) => candidate.layer === here.layer)[here.call]?.args[0]
    const [leaf] = input === undefined ? [] : argumentLeaves(input)
    at = leaf && 'tensor' in leaf ? leaf.tensor : undefined
  }
  return undefined
}
