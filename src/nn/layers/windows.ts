import { RekindleError } from '../../errors.ts'
import type { Builder, Dim, Type, Value } from '../../graph/index.ts'
import { knownDimension } from './shapes.ts'

/*
 * What convolutions and pools share. Keras lays images out as `data_format` says; the operators want the channels
 * first, so a call turns its input on the way in and its output on the way out. Neighbours' turns cancel.
 */

export type DataFormat = 'channels_last' | 'channels_first'

/** One number for each spatial axis, or one for all of them. */
export type PerAxis = number | readonly number[]

/** What slides over the spatial axes. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
}

/** `3` as `[3, 3]`, as Keras keeps it. @throws RekindleError `E_INVALID_CONFIG` for anything but `rank` sizes. */
export function perAxis(value: unknown, rank: number, key: string, where: string, least = 1): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : new Array(rank).fill(value)
  if (list.length === rank && list.every((size) => Number.isInteger(size) && (size as number) >= least)) {
    return list as readonly number[]
  }
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key}`, {
    where,
    expected: `a whole number of at least ${least}, or ${rank} of them`,
    received: JSON.stringify(value),
  })
}

/** One of the words that a key knows; Keras takes them in any case. */
export function oneOf<T extends string>(value: unknown, words: readonly T[], key: string, where: string): T {
  const found = words.find((word) => typeof value === 'string' && word === value.toLowerCase())
  if (found !== undefined) return found
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key}`, {
    where,
    expected: words.join(' or '),
    received: JSON.stringify(value),
  })
}

/** Keras's global setting stands for null; files say which it was, and `channels_last` is its default. */
export function dataFormat(value: unknown, where: string): DataFormat {
  return oneOf(value ?? 'channels_last', ['channels_last', 'channels_first'], 'data_format', where)
}

/** The number of channels that come in. */
export function channelsOf(type: Type | undefined, format: DataFormat, layer: string): number {
  return knownDimension(type, format === 'channels_last' ? -1 : 1, layer)
}

/** @throws RekindleError `E_INVALID_SHAPE` unless the input is a batch of `rank` spatial axes and channels. */
export function requireRank(x: Value, rank: number, layer: string): void {
  if (x.shape.length === rank + 2) return
  throw new RekindleError('E_INVALID_SHAPE', `${layer} takes inputs of ${rank + 2} axes`, {
    expected: `a batch with ${rank} spatial axes and channels`,
    received: `(${x.shape.join(', ')})`,
  })
}

/** The input with its channels at axis 1. */
export function channelsFirst(b: Builder, x: Value, format: DataFormat): Value {
  if (format === 'channels_first') return x
  const rank = x.shape.length
  return b.op('Transpose', [x], { perm: [0, rank - 1, ...spatialAxes(rank).map((axis) => axis - 1)] })
}

/** The output of an operator, its channels where the layer's format has them. */
export function channelsBack(b: Builder, x: Value, format: DataFormat): Value {
  if (format === 'channels_first') return x
  return b.op('Transpose', [x], { perm: [0, ...spatialAxes(x.shape.length), 1] })
}

/** Axes after batch and channels. */
export function spatialAxes(rank: number): number[] {
  return Array.from({ length: rank - 2 }, (_, n) => n + 2)
}

/**
 * Margins of a window in the operators' attributes. `same` is TensorFlow's rule: ⌈size / stride⌉ places, an odd
 * margin's larger half at the end. `causal` sees only the past. Where a size is known only at run time, the operator
 * applies the same rule itself.
 */
export function margins(
  padding: 'valid' | 'same' | 'causal',
  sizes: readonly Dim[],
  { kernel, strides, dilations }: Window,
): { readonly pads: readonly number[] } | { readonly auto_pad: 'SAME_UPPER' } {
  const reach = kernel.map((size, n) => (size - 1) * (dilations[n] as number))
  if (padding === 'valid') return { pads: [...reach, ...reach].fill(0) }
  if (padding === 'causal') return { pads: [...reach, ...reach.map(() => 0)] }
  const totals: number[] = []
  for (const [n, stride] of strides.entries()) {
    const size = sizes[n] as Dim
    if (stride > 1 && typeof size === 'string') return { auto_pad: 'SAME_UPPER' }
    const steps = stride === 1 ? 0 : (Math.ceil((size as number) / stride) - 1) * stride + 1 - (size as number)
    totals.push(Math.max(0, (reach[n] as number) + steps))
  }
  const front = totals.map((total) => Math.floor(total / 2))
  return { pads: [...front, ...totals.map((total, n) => total - (front[n] as number))] }
}
