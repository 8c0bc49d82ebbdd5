import { RekindleError } from '../../errors.ts'
import { formatShape, type Shape, sizeOf } from '../../tensor/index.ts'
import type { RandomSource } from '../philox.ts'
import type { Row } from '../registry.ts'
import type { Json } from '../types.ts'
import { computeFans } from './fans.ts'
import { orthonormalize } from './orthonormal.ts'
import { type StftConfig, stftKernel } from './stft.ts'

/** One initializer: values in row-major order. */
export interface InitializerDef<C = object> extends Row<C> {
  readonly values: (shape: Shape, config: C, random: RandomSource) => Float32Array<ArrayBuffer>
}

type None = Record<never, never>
/** A whole number, or null for one that the model's own seed gives. */
export type Seed = number | null
type Axes = readonly number[] | null

const row = <C>(def: InitializerDef<C>): InitializerDef<C> => def

function fill(shape: Shape, draw: () => number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(sizeOf(shape))
  for (let i = 0; i < out.length; i++) out[i] = draw()
  return out
}

/** Normal numbers no further than two standard deviations from the mean: the others are drawn again. */
function truncatedNormal(random: RandomSource): number {
  for (;;) {
    const x = random.normal()
    if (Math.abs(x) < 2) return x
  }
}

/** The standard deviation of a standard normal cut at ±2. */
const TRUNCATED_DEVIATION = 0.87962566103423978

export interface VarianceScalingConfig {
  readonly scale: number
  readonly mode: string
  readonly distribution: string
  readonly seed: Seed
  readonly input_axes: Axes
  readonly output_axes: Axes
}

function varianceScaling(shape: Shape, config: VarianceScalingConfig, random: RandomSource): Float32Array<ArrayBuffer> {
  const { fanIn, fanOut } = computeFans(shape, config.input_axes, config.output_axes)
  const fan = choose(config.mode, 'mode', { fan_in: fanIn, fan_out: fanOut, fan_avg: (fanIn + fanOut) / 2 })
  if (!(config.scale > 0)) {
    throw new RekindleError('E_INVALID_CONFIG', 'VarianceScaling scale', {
      expected: 'a positive number',
      received: JSON.stringify(config.scale),
    })
  }
  const variance = config.scale / Math.max(1, fan)
  const truncated = () => {
    const deviation = Math.sqrt(variance) / TRUNCATED_DEVIATION
    return fill(shape, () => deviation * truncatedNormal(random))
  }
  const draw = choose(config.distribution.toLowerCase(), 'distribution', {
    uniform: () => {
      const limit = Math.sqrt(3 * variance)
      return fill(shape, () => limit * (2 * random.uniform() - 1))
    },
    normal: truncated,
    truncated_normal: truncated,
    untruncated_normal: () => {
      const deviation = Math.sqrt(variance)
      return fill(shape, () => deviation * random.normal())
    },
  })
  return draw()
}

function choose<T>(key: string, option: string, choices: { readonly [key: string]: T }): T {
  const chosen = Object.hasOwn(choices, key) ? choices[key] : undefined
  if (chosen !== undefined) return chosen
  throw new RekindleError('E_INVALID_CONFIG', `VarianceScaling ${option}`, {
    expected: Object.keys(choices).join(', '),
    received: JSON.stringify(key),
  })
}

export interface FanConfig {
  readonly seed: Seed
  readonly input_axes: Axes
  readonly output_axes: Axes
}

/** VarianceScaling with its first three arguments fixed. */
function scaled(className: string, scale: number, mode: string, distribution: string): InitializerDef<FanConfig> {
  return {
    className,
    defaults: { seed: null, input_axes: null, output_axes: null },
    values: (shape, config, random) => varianceScaling(shape, { scale, mode, distribution, ...config }, random),
  }
}

/** `gain` times a random matrix with orthonormal columns (or rows, the shorter); leading axes count as rows. */
function orthogonal(
  shape: Shape,
  { gain }: { readonly gain: number },
  random: RandomSource,
): Float32Array<ArrayBuffer> {
  if (shape.length < 2) throw rankError('Orthogonal', 'at least 2', shape)
  const columns = shape[shape.length - 1] as number
  const rows = sizeOf(shape.slice(0, -1))
  const basis = Array.from({ length: Math.min(rows, columns) }, () => new Float64Array(Math.max(rows, columns)))
  for (let i = 0; i < Math.max(rows, columns); i++) for (const column of basis) column[i] = random.normal()
  orthonormalize(basis)
  const out = new Float32Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const q = rows < columns ? basis[i]?.[j] : basis[j]?.[i]
      out[i * columns + j] = gain * (q as number)
    }
  }
  return out
}

function identity(shape: Shape, { gain }: { readonly gain: number }): Float32Array<ArrayBuffer> {
  const [rows, columns] = shape
  if (shape.length !== 2 || rows === undefined || columns === undefined) throw rankError('Identity', '2', shape)
  const out = new Float32Array(rows * columns)
  for (let i = 0; i < Math.min(rows, columns); i++) out[i * columns + i] = gain
  return out
}

function rankError(className: string, rank: string, shape: Shape): RekindleError {
  return new RekindleError('E_INVALID_SHAPE', `${className} initializer`, {
    expected: `a shape of rank ${rank}`,
    received: formatShape(shape),
  })
}

function constantValue(value: Json): number {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value)
  throw new RekindleError('E_INVALID_CONFIG', 'Constant initializer', {
    expected: 'a number',
    received: JSON.stringify(value),
  })
}

/** The initializers of Keras 3.15. Distributions are Keras's, numbers our own (no two of its backends agree). */
export const INITIALIZERS = {
  zeros: row<None>({ className: 'Zeros', aliases: ['zero'], defaults: {}, values: (shape) => fill(shape, () => 0) }),
  ones: row<None>({ className: 'Ones', aliases: ['one'], defaults: {}, values: (shape) => fill(shape, () => 1) }),
  constant: row<{ readonly value: Json }>({
    className: 'Constant',
    defaults: { value: 0 },
    values(shape, { value }) {
      const x = constantValue(value)
      return fill(shape, () => x)
    },
  }),
  identity: row<{ readonly gain: number }>({
    className: 'Identity',
    aliases: ['IdentityInitializer'],
    defaults: { gain: 1 },
    // Keras forgets the gain when it writes the config.
    hidden: ['gain'],
    values: identity,
  }),
  orthogonal: row<{ readonly seed: Seed; readonly gain: number }>({
    className: 'Orthogonal',
    aliases: ['OrthogonalInitializer'],
    defaults: { seed: null, gain: 1 },
    values: orthogonal,
  }),
  randomNormal: row<{ readonly seed: Seed; readonly mean: number; readonly stddev: number }>({
    className: 'RandomNormal',
    aliases: ['normal'],
    defaults: { seed: null, mean: 0, stddev: 0.05 },
    values: (shape, { mean, stddev }, random) => fill(shape, () => mean + stddev * random.normal()),
  }),
  truncatedNormal: row<{ readonly seed: Seed; readonly mean: number; readonly stddev: number }>({
    className: 'TruncatedNormal',
    defaults: { seed: null, mean: 0, stddev: 0.05 },
    values: (shape, { mean, stddev }, random) => fill(shape, () => mean + stddev * truncatedNormal(random)),
  }),
  randomUniform: row<{ readonly seed: Seed; readonly minval: number; readonly maxval: number }>({
    className: 'RandomUniform',
    aliases: ['uniform'],
    defaults: { seed: null, minval: -0.05, maxval: 0.05 },
    values: (shape, { minval, maxval }, random) => fill(shape, () => minval + (maxval - minval) * random.uniform()),
  }),
  varianceScaling: row<VarianceScalingConfig>({
    className: 'VarianceScaling',
    defaults: {
      seed: null,
      scale: 1,
      mode: 'fan_in',
      distribution: 'truncated_normal',
      input_axes: null,
      output_axes: null,
    },
    values: varianceScaling,
  }),
  glorotUniform: scaled('GlorotUniform', 1, 'fan_avg', 'uniform'),
  glorotNormal: scaled('GlorotNormal', 1, 'fan_avg', 'truncated_normal'),
  heUniform: scaled('HeUniform', 2, 'fan_in', 'uniform'),
  heNormal: scaled('HeNormal', 2, 'fan_in', 'truncated_normal'),
  lecunUniform: scaled('LecunUniform', 1, 'fan_in', 'uniform'),
  lecunNormal: scaled('LecunNormal', 1, 'fan_in', 'truncated_normal'),
  stft: row<StftConfig>({
    className: 'STFT',
    aliases: ['STFTInitializer'],
    defaults: { side: 'real', window: 'hann', periodic: false, scaling: 'density' },
    values: (shape, config) => stftKernel(config, shape),
  }),
}
