import type { Dim, OpTable, Type } from '../graph/index.ts'
import { convGradient, convTransposeGradient } from './convolve-gradients.ts'
import {
  averagePoolGradient,
  globalAverageGradient,
  globalMaxGradient,
  maxPoolGradient,
} from './convolve-pool-gradients.ts'
import { addDims, joinDims, multiplyDims, UNKNOWN } from './dims.ts'
import { type Inference, row } from './row.ts'

interface Window {
  readonly auto_pad: string
  readonly ceil_mode?: number
  readonly dilations?: readonly number[]
  readonly kernel_shape?: readonly number[]
  readonly pads?: readonly number[]
  readonly strides?: readonly number[]
}

type WindowOp = 'Conv' | 'ConvTranspose' | 'MaxPool' | 'AveragePool'

/** One spatial axis of a sliding window, in numbers. */
interface WindowAxis {
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  /** Both margins together. */
  readonly pads: number
}

function windowAxes<K extends WindowOp>(i: Inference<K>, kernel: readonly number[]): readonly WindowAxis[] {
  const { auto_pad, dilations, pads, strides } = i.attrs as Window
  const rank = kernel.length
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(auto_pad))
    i.fail(`an auto_pad that exists, not ${auto_pad}`)
  for (const [name, list, length] of [
    ['dilations', dilations, rank],
    ['strides', strides, rank],
    ['pads', pads, 2 * rank],
  ] as const) {
    if (list && list.length !== length) i.fail(`${length} ${name}`)
    if (list?.some((x) => x < (name === 'pads' ? 0 : 1))) i.fail(`positive ${name}`)
  }
  if (kernel.some((size) => size < 1)) i.fail('a kernel of at least one place on each axis')
  return kernel.map((size, n) => ({
    kernel: size,
    stride: strides?.[n] ?? 1,
    dilation: dilations?.[n] ?? 1,
    pads: auto_pad === 'NOTSET' ? (pads?.[n] ?? 0) + (pads?.[n + rank] ?? 0) : 0,
  }))
}

/** How many places a window has on an axis. */
function slide(size: Dim, axis: WindowAxis, auto: string, ceil: number): Dim | null {
  const { kernel, stride, dilation, pads } = axis
  if (typeof size === 'string') return stride === 1 && auto.startsWith('SAME') ? size : UNKNOWN
  if (auto.startsWith('SAME')) return Math.ceil(size / stride)
  const free = size + pads - dilation * (kernel - 1) - 1
  if (free < 0) return null
  const steps = (ceil ? Math.ceil : Math.floor)(free / stride)
  // Rounded up, the last window must still begin inside the input or its front margin.
  return steps + 1
}

function pooled<K extends 'MaxPool' | 'AveragePool'>(i: Inference<K>): readonly Dim[] {
  const { auto_pad, ceil_mode = 0, kernel_shape = [], pads } = i.attrs as Window
  const shape = i.shape(0)
  if (kernel_shape.length !== shape.length - 2) i.fail(`a kernel_shape of ${shape.length - 2} sizes after N and C`)
  const axes = windowAxes(i, kernel_shape)
  const spatial = axes.map((axis, n) => {
    const size = shape[n + 2] as Dim
    const places = slide(size, axis, auto_pad, ceil_mode) ?? i.fail('a window no larger than the padded input')
    if (!ceil_mode || typeof places !== 'number' || typeof size !== 'number') return places
    const front = auto_pad === 'NOTSET' ? (pads?.[n] ?? 0) : 0
    return (places - 1) * axis.stride >= size + front ? places - 1 : places
  })
  return [...shape.slice(0, 2), ...spatial]
}

/** The kernel's spatial sizes: those of W, which kernel_shape may only repeat. */
function kernelOf<K extends 'Conv' | 'ConvTranspose'>(i: Inference<K>): readonly number[] {
  const { kernel_shape } = i.attrs as Window
  const spatial = i.shape(1).slice(2)
  if (i.shape(0).length !== i.shape(1).length || spatial.length < 1) i.fail('x and W of one rank, at least 3')
  return spatial.map((dim, n) => {
    const size = joinDims(dim, kernel_shape?.[n] ?? dim)
    return typeof size === 'number' ? size : i.fail('a W whose sizes are known and equal kernel_shape')
  })
}

function checkBias<K extends 'Conv' | 'ConvTranspose'>(i: Inference<K>, channels: Dim): void {
  const bias = i.x[2]?.shape
  if (bias && (bias.length !== 1 || joinDims(bias[0] as Dim, channels) === undefined)) i.fail(`a bias of ${channels}`)
}

function convolved(i: Inference<'Conv'>): readonly Dim[] {
  const { auto_pad, group } = i.attrs
  const [x, w] = [i.shape(0), i.shape(1)]
  const axes = windowAxes(i, kernelOf(i))
  if (joinDims(x[1] as Dim, multiplyDims([w[1] as Dim, group])) === undefined) {
    i.fail(`${multiplyDims([w[1] as Dim, group])} input channels for W in ${group} groups`)
  }
  checkBias(i, w[0] as Dim)
  const spatial = axes.map(
    (axis, n) => slide(x[n + 2] as Dim, axis, auto_pad, 0) ?? i.fail('a kernel no larger than the padded input'),
  )
  return [x[0] as Dim, w[0] as Dim, ...spatial]
}

function convolvedBack(i: Inference<'ConvTranspose'>): readonly Dim[] {
  const { auto_pad, group, output_padding, output_shape } = i.attrs
  const [x, w] = [i.shape(0), i.shape(1)]
  const axes = windowAxes(i, kernelOf(i))
  if (joinDims(x[1] as Dim, w[0] as Dim) === undefined) i.fail(`${w[0]} input channels for W`)
  const channels = multiplyDims([w[1] as Dim, group])
  checkBias(i, channels)
  const given = output_shape?.slice(-axes.length)
  const spatial = axes.map(({ kernel, stride, dilation, pads }, n) => {
    if (given) return given[n] as number
    const size = multiplyDims([x[n + 2] as Dim, stride])
    if (auto_pad.startsWith('SAME')) return size
    const margin = (output_padding?.[n] ?? 0) + dilation * (kernel - 1) + 1 - pads - stride
    if (margin < 0 && typeof size === 'string') return UNKNOWN
    const total = addDims([size, margin])
    return typeof total === 'number' && total < 0 ? i.fail('pads smaller than the result') : total
  })
  return [x[0] as Dim, channels, ...spatial]
}

function inferGlobal<K extends 'GlobalAveragePool' | 'GlobalMaxPool'>(i: Inference<K>): readonly Type[] {
  const shape = i.shape(0)
  if (shape.length < 3) i.fail('at least three axes: N, C, …')
  return [i.like(shape.map((dim, axis) => (axis < 2 ? dim : 1)))]
}

export const CONVOLVE = {
  Conv: row('Conv', { infer: (i) => [i.like(convolved(i))], grad: convGradient }),
  ConvTranspose: row('ConvTranspose', { infer: (i) => [i.like(convolvedBack(i))], grad: convTransposeGradient }),
  MaxPool: row('MaxPool', { infer: (i) => [i.like(pooled(i)), i.like(pooled(i), 'int64')], grad: maxPoolGradient }),
  AveragePool: row('AveragePool', { infer: (i) => [i.like(pooled(i))], grad: averagePoolGradient }),
  GlobalAveragePool: row('GlobalAveragePool', { infer: inferGlobal, grad: globalAverageGradient }),
  GlobalMaxPool: row('GlobalMaxPool', { infer: inferGlobal, grad: globalMaxGradient }),
} satisfies Partial<OpTable>
