import { toPascalCase } from '../../nn/naming.ts'
import type { CompileSpec, Json, JsonObject, LayerGraph } from '../doc.ts'
import { type MetricForm, metricsAsObjects } from './metric-names.ts'
import { isKerasObject, mapValues, unwrap, wrap } from './objects.ts'
import { readOptimizer } from './optimizer-config.ts'
import type { OptimizerEra } from './optimizer-layouts.ts'
import { field, isArray, isObject, without } from './values.ts'

/**
 * Compile settings of any era in Keras 3's spelling.
 *
 * @param node `training_config` of an `.h5` or `compile_config` of a `.keras`.
 * @param outputs names of the model's outputs, in order: tf-keras bakes them into the names of metrics.
 */
export function readCompile(node: JsonObject, outputs: readonly string[], era: OptimizerEra): CompileSpec | null {
  const optimizer = field(node, 'optimizer_config') ?? field(node, 'optimizer')
  const loss = field(node, 'loss')
  if (optimizer === undefined && loss === undefined) return null
  return {
    optimizer: readOptimizer(optimizer ?? null, era),
    loss: mapLeaves(loss ?? null, readLoss),
    lossWeights: field(node, 'loss_weights') ?? null,
    metrics: readMetrics(field(node, 'metrics') ?? null, outputs),
    weightedMetrics: readMetrics(field(node, 'weighted_metrics') ?? null, outputs),
  }
}

/** One loss, or lists and dictionaries of them. */
function mapLeaves(value: Json, change: (leaf: Json) => Json): Json {
  if (isArray(value)) return value.map((item) => mapLeaves(item, change))
  if (isObject(value) && !isKerasObject(value)) return mapValues(value, (item) => mapLeaves(item, change))
  return change(value)
}

/** Classes of Keras 2 that only wrap a function. */
const LOSS_WRAPPERS = ['LossFunctionWrapper']
const METRIC_WRAPPERS = ['MeanMetricWrapper', 'SumOverBatchSizeMetricWrapper']

function readLoss(value: Json): Json {
  const plain = unwrap(value)
  if (!isKerasObject(plain)) return plain
  const config = field(plain, 'config')
  if (!isObject(config)) return plain
  const fn = field(config, 'fn')
  if (LOSS_WRAPPERS.includes(plain.class_name) && typeof fn === 'string') return fn
  // `auto` was the old name of the default.
  const reduction = config.reduction === 'auto' ? { reduction: 'sum_over_batch_size' } : {}
  return { class_name: plain.class_name, config: without({ ...config, ...reduction }, ['fn']) }
}

/** `[[a, b], [c]]` is one list for each output; a single output's inner list stands for itself. */
function readMetrics(value: Json, outputs: readonly string[]): Json {
  if (isArray(value) && value.some(isArray)) {
    const [only] = value
    if (value.length === 1 && outputs.length <= 1 && isArray(only))
      return only.map((item) => readMetric(item, undefined))
    return value.map((list, i) => (isArray(list) ? list.map((item) => readMetric(item, outputs[i])) : list))
  }
  if (isArray(value)) return value.map((item) => readMetric(item, undefined))
  if (isObject(value) && !isKerasObject(value)) {
    return mapValues(value, (list, output) =>
      isArray(list) ? list.map((item) => readMetric(item, output)) : readMetric(list, output),
    )
  }
  return readMetric(value, undefined)
}

function readMetric(value: Json, output: string | undefined): Json {
  const plain = unwrap(value)
  if (!isKerasObject(plain)) return plain
  const given = field(plain, 'config')
  if (!isObject(given)) return plain
  const config = nameWithoutOutput(given, output)
  const fn = field(config, 'fn')
  if (!METRIC_WRAPPERS.includes(plain.class_name))
    return { class_name: plain.class_name, config: without(config, ['fn']) }
  if (typeof fn !== 'string') return plain
  return { class_name: METRIC_CLASSES[fn] ?? toPascalCase(fn), config: without(config, ['fn']) }
}

/** Functions whose metric class is not their name in capitals. */
const METRIC_CLASSES: { readonly [fn: string]: string } = {
  kl_divergence: 'KLDivergence',
  kullback_leibler_divergence: 'KLDivergence',
  log_cosh: 'LogCoshError',
  logcosh: 'LogCoshError',
}

/** tf-keras calls the second output's `mae` `flag_mae`, and adds the output once more when it reports. */
function nameWithoutOutput(config: JsonObject, output: string | undefined): JsonObject {
  const name = field(config, 'name')
  if (output === undefined || typeof name !== 'string' || !name.startsWith(`${output}_`)) return config
  return { ...config, name: name.slice(output.length + 1) }
}

/** Keras 3's `compile_config` around an optimizer that is already in its form. */
export function writeKeras3Compile(compile: CompileSpec, optimizer: Json): JsonObject {
  return {
    optimizer,
    loss: mapLeaves(compile.loss, (loss) => wrap(loss, 'keras.losses')),
    loss_weights: compile.lossWeights,
    metrics: mapLeaves(compile.metrics, (metric) => wrap(metric, 'keras.metrics')),
    weighted_metrics: mapLeaves(compile.weightedMetrics, (metric) => wrap(metric, 'keras.metrics')),
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  }
}

/** How the eras of `.h5` write metrics. */
const METRIC_FORMS: { readonly [era in H5Era]: MetricForm } = {
  common: { shapeNames: true, outputInName: false },
  keras2: { shapeNames: true, outputInName: true },
  keras3: { shapeNames: false, outputInName: false },
}

export type H5Era = 'common' | 'keras2' | 'keras3'

/**
 * `training_config` of an `.h5`: full names of losses, plain objects. Keras 3 itself writes short names of losses there,
 * which it then does not find again.
 */
export function writeTrainingConfig(compile: CompileSpec, optimizer: Json, graph: LayerGraph, era: H5Era): JsonObject {
  const metrics = (value: Json): Json =>
    mapLeaves(metricsAsObjects(compile, value, graph, METRIC_FORMS[era]), withoutWrapping)
  return {
    loss: mapLeaves(compile.loss, writeLoss),
    metrics: metrics(compile.metrics),
    weighted_metrics: metrics(compile.weightedMetrics),
    loss_weights: compile.lossWeights,
    ...(era === 'keras3' ? { run_eagerly: false, steps_per_execution: 1, jit_compile: false } : {}),
    optimizer_config: withoutWrapping(optimizer),
  }
}

function withoutWrapping(value: Json): Json {
  if (!isKerasObject(value)) return value
  return { class_name: value.class_name, config: field(value, 'config') ?? {} }
}

function writeLoss(value: Json): Json {
  if (typeof value === 'string') return LOSS_NAMES[value.toLowerCase()] ?? value
  if (!isKerasObject(value)) return value
  const config = field(value, 'config')
  // Keras 2's losses have no dtype.
  return { class_name: value.class_name, config: isObject(config) ? without(config, ['dtype']) : {} }
}

/** Short names of losses that Keras 3 does not find when it loads an `.h5`. */
const LOSS_NAMES: { readonly [alias: string]: string } = {
  mse: 'mean_squared_error',
  mae: 'mean_absolute_error',
  mape: 'mean_absolute_percentage_error',
  msle: 'mean_squared_logarithmic_error',
  bce: 'binary_crossentropy',
  kld: 'kl_divergence',
  kullback_leibler_divergence: 'kl_divergence',
  huber_loss: 'huber',
  logcosh: 'log_cosh',
}
