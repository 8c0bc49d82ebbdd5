import type { Json, JsonObject } from '../doc.ts'
import { isKerasObject, unwrap } from './objects.ts'
import { field, isArray, isObject, without } from './values.ts'

/**
 * One spelling of an older Keras and what Keras 3 says instead. `to: null` drops the key: it says nothing, or
 * says it elsewhere.
 */
interface Rename {
  /** Layer classes; absent for every layer. */
  readonly classes?: readonly string[]
  readonly from: string
  readonly to: string | null
  /** `config` is the whole config, where one key of today was several. */
  readonly convert?: (value: Json, config: JsonObject) => Json
}

const NORMALIZATION = ['BatchNormalization', 'BatchNormalizationV1', 'SyncBatchNormalization']
const RECURRENT = ['RNN', 'LSTM', 'GRU', 'SimpleRNN', 'ConvLSTM1D', 'ConvLSTM2D', 'ConvLSTM3D', 'Bidirectional']
const DENSE = ['Dense']
const SPATIAL_DROPOUT = ['SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D']
const DEPTHWISE = ['DepthwiseConv1D', 'DepthwiseConv2D', 'SeparableConv1D', 'SeparableConv2D']
const TRANSPOSED = ['Conv1DTranspose', 'Conv2DTranspose', 'Conv3DTranspose', 'Deconvolution2D']
/** Keras 1's names stand beside today's. */
const CONVOLUTIONS = [
  ...['Conv1D', 'Conv2D', 'Conv3D', 'Convolution1D', 'Convolution2D', 'Convolution3D', 'AtrousConvolution2D'],
  ...['SeparableConvolution2D', ...DEPTHWISE, ...TRANSPOSED],
]
const POOLS = ['Max', 'Average'].flatMap((kind) => [1, 2, 3].map((rank) => `${kind}Pooling${rank}D`))
const GLOBAL_POOLS = POOLS.map((name) => `Global${name}`)

/** Read from top to bottom; the first row that fits a key decides. */
const RENAMES: readonly Rename[] = [
  // Keras 2: the input's shape stood on the first layer too.
  { classes: ['InputLayer'], from: 'batch_input_shape', to: 'batch_shape' },
  { classes: ['InputLayer'], from: 'input_dtype', to: 'dtype' },
  { from: 'batch_input_shape', to: null },
  {
    classes: [...DENSE, 'Activation', 'Dropout', 'Flatten', 'Reshape', ...NORMALIZATION],
    from: 'input_shape',
    to: null,
  },
  { classes: DENSE, from: 'input_dim', to: null },
  { from: 'input_dtype', to: null },
  // Keras 1.
  { classes: DENSE, from: 'output_dim', to: 'units' },
  { classes: DENSE, from: 'init', to: 'kernel_initializer' },
  { classes: DENSE, from: 'bias', to: 'use_bias' },
  { classes: DENSE, from: 'W_regularizer', to: 'kernel_regularizer' },
  { classes: DENSE, from: 'b_regularizer', to: 'bias_regularizer' },
  { classes: DENSE, from: 'W_constraint', to: 'kernel_constraint' },
  { classes: DENSE, from: 'b_constraint', to: 'bias_constraint' },
  { classes: CONVOLUTIONS, from: 'nb_filter', to: 'filters' },
  { classes: CONVOLUTIONS, from: 'filter_length', to: 'kernel_size' },
  {
    classes: CONVOLUTIONS,
    from: 'nb_row',
    to: 'kernel_size',
    convert: (rows, config) => [rows, field(config, 'nb_col') ?? rows],
  },
  { classes: CONVOLUTIONS, from: 'nb_col', to: null },
  {
    classes: CONVOLUTIONS,
    from: 'kernel_dim1',
    to: 'kernel_size',
    convert: (first, config) => [first, field(config, 'kernel_dim2') ?? first, field(config, 'kernel_dim3') ?? first],
  },
  { classes: CONVOLUTIONS, from: 'kernel_dim2', to: null },
  { classes: CONVOLUTIONS, from: 'kernel_dim3', to: null },
  { classes: CONVOLUTIONS, from: 'subsample', to: 'strides' },
  { classes: CONVOLUTIONS, from: 'subsample_length', to: 'strides' },
  { classes: CONVOLUTIONS, from: 'atrous_rate', to: 'dilation_rate' },
  { classes: CONVOLUTIONS, from: 'init', to: 'kernel_initializer' },
  { classes: CONVOLUTIONS, from: 'bias', to: 'use_bias' },
  { classes: CONVOLUTIONS, from: 'W_regularizer', to: 'kernel_regularizer' },
  { classes: CONVOLUTIONS, from: 'b_regularizer', to: 'bias_regularizer' },
  { classes: CONVOLUTIONS, from: 'W_constraint', to: 'kernel_constraint' },
  { classes: CONVOLUTIONS, from: 'b_constraint', to: 'bias_constraint' },
  { classes: POOLS, from: 'pool_length', to: 'pool_size' },
  { classes: POOLS, from: 'stride', to: 'strides' },
  { classes: [...CONVOLUTIONS, ...POOLS], from: 'border_mode', to: 'padding' },
  {
    classes: [...CONVOLUTIONS, ...POOLS, ...GLOBAL_POOLS, 'Flatten'],
    from: 'dim_ordering',
    to: 'data_format',
    convert: (order) => (order === 'th' ? 'channels_first' : 'channels_last'),
  },
  { classes: ['Dropout'], from: 'p', to: 'rate' },
  { classes: NORMALIZATION, from: 'beta_init', to: 'beta_initializer' },
  { classes: NORMALIZATION, from: 'gamma_init', to: 'gamma_initializer' },
  { classes: NORMALIZATION, from: 'mode', to: null },
  // Keras 2: a separable or depthwise layer also wrote the keys of the plain convolution, which it does not use.
  { classes: DEPTHWISE, from: 'kernel_initializer', to: null },
  { classes: DEPTHWISE, from: 'kernel_regularizer', to: null },
  { classes: DEPTHWISE, from: 'kernel_constraint', to: null },
  // tf-keras writes the axis as a list.
  {
    classes: NORMALIZATION,
    from: 'axis',
    to: 'axis',
    convert: (axis) => (isArray(axis) && axis.length === 1 ? (axis[0] as Json) : axis),
  },
  { classes: RECURRENT, from: 'time_major', to: null },
  { classes: ['LeakyReLU'], from: 'alpha', to: 'negative_slope' },
  { classes: ['Embedding'], from: 'input_length', to: null },
  { classes: SPATIAL_DROPOUT, from: 'noise_shape', to: null },
]

/** Keys that only one of the families writes, and the value that means "not used": then they are left out. */
const KERAS_2_ONLY: readonly { readonly classes?: readonly string[]; readonly key: string; readonly unused: Json }[] = [
  { key: 'activity_regularizer', unused: null },
  { classes: [...DEPTHWISE, ...TRANSPOSED], key: 'groups', unused: 1 },
]

/** The same for keys that Keras 2 refuses, by the layer class that has them. */
const KERAS_3_ONLY: readonly { readonly classes?: readonly string[]; readonly key: string; readonly unused: Json }[] = [
  { key: 'quantization_config', unused: null },
  { classes: ['InputLayer'], key: 'optional', unused: false },
  { classes: RECURRENT, key: 'seed', unused: null },
  { classes: ['ZeroPadding1D'], key: 'data_format', unused: 'channels_last' },
  { classes: ['LayerNormalization'], key: 'rms_scaling', unused: false },
  { classes: NORMALIZATION, key: 'synchronized', unused: false },
  { classes: NORMALIZATION, key: 'renorm', unused: false },
  { classes: NORMALIZATION, key: 'renorm_clipping', unused: null },
  { classes: NORMALIZATION, key: 'renorm_momentum', unused: 0.99 },
]

/** Keys that Keras 3 refuses even where they say nothing, and that Keras 2 does not need: never written. */
const NEVER_WRITTEN: readonly { readonly classes: readonly string[]; readonly key: string; readonly unused: Json }[] = [
  { classes: RECURRENT, key: 'time_major', unused: false },
  // Their constructors in Keras 3 take no such argument, and they have no weights.
  { classes: SPATIAL_DROPOUT, key: 'trainable', unused: true },
  { classes: SPATIAL_DROPOUT, key: 'trainable', unused: false },
]

/** Keys that Keras 2 calls otherwise. Keras 3 reads the old name too. */
const KERAS_2_NAMES: readonly { readonly classes: readonly string[]; readonly key: string; readonly old: string }[] = [
  { classes: ['LeakyReLU'], key: 'negative_slope', old: 'alpha' },
]

/** What Keras 2 calls a key. */
export function keras2Name(className: string, key: string): string {
  return KERAS_2_NAMES.find((row) => row.key === key && fits(row, className))?.old ?? key
}

/** A config in a file's own spelling without what no file of ours should hold; the same object when there is nothing. */
export function withoutRefusedKeys(className: string, config: JsonObject): JsonObject {
  const refused = NEVER_WRITTEN.filter((row) => fits(row, className) && config[row.key] === row.unused)
  return refused.length === 0
    ? config
    : without(
        config,
        refused.map((row) => row.key),
      )
}

function fits(row: { readonly classes?: readonly string[] }, className: string): boolean {
  return row.classes === undefined || row.classes.includes(className)
}

/** What stands beside the config in a LayerSpec. */
const BESIDE = ['name', 'trainable']

/** A layer's config in Keras 3's spelling, Keras objects unwrapped, without `name` and `trainable`. */
export function canonicalConfig(className: string, config: JsonObject): JsonObject {
  const renamed = new Map<string, Json>()
  for (const [key, value] of Object.entries(config)) {
    if (BESIDE.includes(key)) continue
    const row = RENAMES.find((candidate) => candidate.from === key && fits(candidate, className))
    if (row?.to === null) continue
    // A key in today's spelling goes before an old one that means the same.
    if (row && row.to !== key && Object.hasOwn(config, row.to)) continue
    const plain = unwrap(value)
    renamed.set(row?.to ?? key, canonicalObject(row?.convert ? row.convert(plain, config) : plain))
  }
  for (const { classes, key, unused } of KERAS_3_ONLY) {
    if (fits(classes ? { classes } : {}, className) && renamed.get(key) === unused) renamed.delete(key)
  }
  for (const { classes, key, unused } of KERAS_2_ONLY) {
    if (fits(classes ? { classes } : {}, className) && renamed.get(key) === unused) renamed.delete(key)
  }
  return Object.fromEntries(renamed)
}

/** Old spellings, and keys that say nothing, inside the objects of a config. */
function canonicalObject(value: Json): Json {
  const config = field(value, 'config')
  if (!isKerasObject(value) || !isObject(config)) return value
  const unused = ['input_axes', 'output_axes'].filter((key) => field(config, key) === null)
  // Before 2.2.3 `normal` was the truncated one, and tf-keras still reads it so.
  const old = value.class_name === 'VarianceScaling' && field(config, 'distribution') === 'normal'
  const renamed = old ? { ...config, distribution: 'truncated_normal' } : config
  return { ...value, config: without(renamed, unused) }
}

/** The keys of a canonical config that Keras 2 has no place for: those in use, and those that can be left out. */
export function keras3OnlyKeys(className: string, config: JsonObject): { used: string[]; unused: string[] } {
  const rows = KERAS_3_ONLY.filter((row) => fits(row, className) && Object.hasOwn(config, row.key))
  return {
    used: rows.filter((row) => config[row.key] !== row.unused).map((row) => row.key),
    unused: rows.filter((row) => config[row.key] === row.unused).map((row) => row.key),
  }
}

/** Names of weights that older versions used, by today's name. */
export const OLD_WEIGHT_NAMES: { readonly [name: string]: readonly string[] } = {
  kernel: ['W'],
  bias: ['b'],
  moving_mean: ['running_mean'],
  moving_variance: ['running_std', 'running_var'],
}
