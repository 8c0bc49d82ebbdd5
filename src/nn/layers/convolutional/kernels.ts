import { RekindleError } from '../../../errors.ts'
import type { Builder, Value } from '../../../graph/index.ts'
import { applyActivation, resolveActivation } from '../../activations/index.ts'
import type { ConfigField, Identifier, WeightSpec } from '../../types.ts'
import { requireInteger } from '../define.ts'
import {
  channelsBack,
  type DataFormat,
  dataFormat,
  type PerAxis,
  perAxis,
  spatialAxes,
  type Window,
} from '../windows.ts'

/** Config keys that every convolution has. */
export interface ConvolutionBase {
  readonly kernel_size: PerAxis
  readonly strides: PerAxis
  readonly data_format: DataFormat | null
  readonly dilation_rate: PerAxis
  readonly activation: Identifier
  readonly use_bias: boolean
  readonly bias_initializer: Identifier
  readonly bias_regularizer: Identifier
  readonly activity_regularizer: Identifier
  readonly bias_constraint: Identifier
}

/** Those with one kernel under Keras's usual keys. */
export interface KernelKeys {
  readonly kernel_initializer: Identifier
  readonly kernel_regularizer: Identifier
  readonly kernel_constraint: Identifier
}

/** Those with a kernel for each channel. */
export interface DepthwiseKeys {
  readonly depthwise_initializer: Identifier
  readonly depthwise_regularizer: Identifier
  readonly depthwise_constraint: Identifier
}

export const BIAS_FIELDS = {
  activation: 'activation',
  bias_initializer: 'initializer',
  bias_regularizer: 'regularizer',
  activity_regularizer: 'regularizer',
  bias_constraint: 'constraint',
} as const satisfies Record<string, ConfigField>

export const KERNEL_FIELDS = {
  kernel_initializer: 'initializer',
  kernel_regularizer: 'regularizer',
  kernel_constraint: 'constraint',
} as const satisfies Record<string, ConfigField>

export const DEPTHWISE_FIELDS = {
  depthwise_initializer: 'initializer',
  depthwise_regularizer: 'regularizer',
  depthwise_constraint: 'constraint',
} as const satisfies Record<string, ConfigField>

/** The window's numbers as lists, the format as a word. */
export function normalizeWindow<C extends ConvolutionBase>(config: C, rank: number, where: string): C {
  return {
    ...config,
    kernel_size: perAxis(config.kernel_size, rank, 'kernel_size', where),
    strides: perAxis(config.strides, rank, 'strides', where),
    dilation_rate: perAxis(config.dilation_rate, rank, 'dilation_rate', where),
    data_format: dataFormat(config.data_format, where),
  }
}

/** Counts that must be at least one; Keras refuses strides together with dilations where its own engine does. */
export function validateCounts(counts: { readonly [key: string]: unknown }, where: string): void {
  for (const [key, value] of Object.entries(counts)) requireInteger(value, 1, key, where)
}

export function refuseStridedDilation({ strides, dilation_rate }: ConvolutionBase, where: string): void {
  const { strides: s, dilations: d } = { strides: strides as number[], dilations: dilation_rate as number[] }
  if (Math.max(...s) === 1 || Math.max(...d) === 1) return
  throw new RekindleError('E_INVALID_CONFIG', 'strides above 1 do not go with a dilation_rate above 1', {
    where,
    received: `strides ${JSON.stringify(s)}, dilation_rate ${JSON.stringify(d)}`,
  })
}

/** The window of a complete config. */
export function windowOf(config: ConvolutionBase): Window {
  return {
    kernel: config.kernel_size as readonly number[],
    strides: config.strides as readonly number[],
    dilations: config.dilation_rate as readonly number[],
  }
}

/** A complete config's format. */
export function formatOf(config: { readonly data_format: DataFormat | null }): DataFormat {
  return config.data_format ?? 'channels_last'
}

/** The bias, the last weight of every convolution that has one. */
export function biasSpec(c: ConvolutionBase, shape: WeightSpec['shape']): WeightSpec[] {
  if (!c.use_bias) return []
  const { bias_initializer: initializer, bias_regularizer: regularizer, bias_constraint: constraint } = c
  return [{ name: 'bias', shape, initializer, regularizer, constraint, trainable: true }]
}

/** Keras's kernel [..., in, out] as the operators take it: [out, in, ...]. */
export function outFirst(b: Builder, kernel: Value): Value {
  const rank = kernel.shape.length
  return b.op('Transpose', [kernel], { perm: [rank - 1, rank - 2, ...spatialAxes(rank).map((axis) => axis - 2)] })
}

/** Keras's depthwise kernel [..., in, multiplier] as [in · multiplier, 1, ...]: every channel is a group. */
export function channelwise(b: Builder, kernel: Value): Value {
  const rank = kernel.shape.length
  const sizes = kernel.shape as readonly number[]
  const window = sizes.slice(0, -2)
  const turned = b.op('Transpose', [kernel], { perm: [rank - 2, rank - 1, ...window.map((_, axis) => axis)] })
  const filters = (sizes[rank - 2] as number) * (sizes[rank - 1] as number)
  return b.op('Reshape', [turned, b.ints([filters, 1, ...window])])
}

/** Activations that look at one element at a time may run before the channels are turned back. */
function hasAxis(identifier: Identifier): boolean {
  return Object.hasOwn(resolveActivation(identifier).def.defaults, 'axis')
}

/** The activation of a layer whose operators gave `y` with the channels first, and the way back to the layer's format. */
export function finish(b: Builder, config: ConvolutionBase, y: Value): Value {
  const format = formatOf(config)
  if (hasAxis(config.activation)) return applyActivation(b, config.activation, channelsBack(b, y, format))
  return channelsBack(b, applyActivation(b, config.activation, y), format)
}
