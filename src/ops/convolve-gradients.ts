import { type Builder, concreteShape, type GradContext, type Value } from '../graph/index.ts'
import { sizeOf } from '../tensor/index.ts'
import { each, firstOf } from './row.ts'

/*
 * Gradients of convolutions. Of several equal formulas the one that was measured to be fastest for such sizes is
 * written: a function of the shapes alone, so that the last bits are always the same.
 */

export interface Window {
  readonly auto_pad: string
  readonly dilations?: readonly number[]
  readonly pads?: readonly number[]
  readonly strides?: readonly number[]
}

/** A window's way over the large side of a convolution, in numbers for each spatial axis. */
export interface Geometry {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Front margins, then the end margins that the windows really reach into. */
  readonly pads: readonly number[]
  /** Places at the end that no window reaches. */
  readonly spare: readonly number[]
}

export function geometryOf(attrs: Window, large: Value, small: Value, kernel: readonly number[]): Geometry {
  const rank = kernel.length
  const sizes = concreteShape(large.shape.slice(2), 'gradient of a window')
  const counts = concreteShape(small.shape.slice(2), 'gradient of a window')
  const strides = attrs.strides ?? kernel.map(() => 1)
  const dilations = attrs.dilations ?? kernel.map(() => 1)
  const reach = kernel.map(
    (size, n) => ((counts[n] as number) - 1) * (strides[n] as number) + (size - 1) * (dilations[n] as number) + 1,
  )
  const front = reach.map((length, n) => {
    if (attrs.auto_pad === 'NOTSET') return attrs.pads?.[n] ?? 0
    const margin = Math.max(0, length - (sizes[n] as number))
    if (attrs.auto_pad === 'VALID') return 0
    return attrs.auto_pad === 'SAME_UPPER' ? Math.floor(margin / 2) : Math.ceil(margin / 2)
  })
  const beyond = reach.map((length, n) => length - (sizes[n] as number) - (front[n] as number))
  return {
    kernel,
    strides: strides.slice(0, rank),
    dilations: dilations.slice(0, rank),
    pads: [...front, ...beyond.map((over) => Math.max(0, over))],
    spare: beyond.map((over) => Math.max(0, -over)),
  }
}

/** From the small side back to the large: each place of `small` spreads its kernel over `large`. */
export function spread(b: Builder, small: Value, w: Value, group: number, { spare, ...way }: Geometry): Value {
  const { strides, dilations, pads } = way
  return b.op('ConvTranspose', [small, w], { strides, dilations, pads, output_padding: spare, group })
}

/** With fewer channels than this, one product with all shifts beats a product for each. */
const FEW_CHANNELS = 32
/** Elements of all shifts together, above which they are not laid side by side (64 MB). */
const MOST_SHIFTED = 2 ** 24

/** The gradient of the kernel, [M, C/group, …], of a convolution from `large` to `small`. */
function kernelGradient(b: Builder, large: Value, small: Value, group: number, way: Geometry): Value {
  const [images, channels, ...sizes] = concreteShape(large.shape, 'gradient of a kernel') as [
    number,
    number,
    ...number[],
  ]
  const places = sizeOf(concreteShape(small.shape.slice(2), 'gradient of a kernel'))
  const shifted = sizeOf(way.kernel) * channels * images * places
  if (group === 1 && (channels >= FEW_CHANNELS || shifted <= MOST_SHIFTED)) return kernelProducts(b, large, small, way)
  return kernelConvolution(b, large, small, [channels, ...sizes], group, way)
}

/**
 * Each place of the kernel sees the large side shifted: its gradient is the product of that, [C, N·places], with the
 * small side, [M, N·places], over all images and places at once. Twice as fast as the convolution below (measured).
 */
function kernelProducts(b: Builder, large: Value, small: Value, { kernel, strides, dilations, pads }: Geometry): Value {
  const spatial = kernel.map((_, n) => n + 2)
  const swap = (x: Value): Value => b.op('Transpose', [x], { perm: [1, 0, ...spatial] })
  const [images, outputs, ...counts] = concreteShape(small.shape, 'gradient of a kernel') as [
    number,
    number,
    ...number[],
  ]
  const channels = large.shape[1] as number
  const rows = images * sizeOf(counts)
  const margin = [0, 0, ...pads.slice(0, kernel.length), 0, 0, ...pads.slice(kernel.length)]
  const signal = pads.some((size) => size > 0) ? b.op('Pad', [swap(large), b.ints(margin)]) : swap(large)
  const shifts = offsetsOf(kernel).map((offset) => {
    const starts = offset.map((at, n) => at * (dilations[n] as number))
    const ends = starts.map((start, n) => start + ((counts[n] as number) - 1) * (strides[n] as number) + 1)
    return b.op('Slice', [signal, b.ints(starts), b.ints(ends), b.ints(spatial), b.ints(strides)])
  })
  const flat = b.op('Reshape', [swap(small), b.ints([outputs, rows])])
  const taps = sizeOf(kernel)
  if (channels < FEW_CHANNELS) {
    const columns = b.op('Reshape', [b.op('Concat', shifts, { axis: 0 }), b.ints([taps * channels, rows])])
    const products = b.op('Gemm', [columns, flat], { transB: 1 })
    const parts = b.op('Reshape', [products, b.ints([taps, channels, outputs])])
    return b.op('Reshape', [b.op('Transpose', [parts], { perm: [2, 1, 0] }), b.ints([outputs, channels, ...kernel])])
  }
  const parts = shifts.map((shift) => {
    const product = b.op('Gemm', [flat, b.op('Reshape', [shift, b.ints([channels, rows])])], { transB: 1 })
    return b.op('Reshape', [product, b.ints([outputs, channels, 1])])
  })
  return b.op('Reshape', [b.op('Concat', parts, { axis: 2 }), b.ints([outputs, channels, ...kernel])])
}

/** All places of a kernel, row by row. */
function offsetsOf(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, at) => [...place, at])),
    [[]],
  )
}

/**
 * The same as a convolution of one side with the other, batch and channels swapped, that steps by the dilations and is
 * dilated by the strides.
 */
function kernelConvolution(
  b: Builder,
  large: Value,
  small: Value,
  [channels, ...sizes]: readonly number[],
  group: number,
  { kernel, strides, dilations, pads }: Geometry,
): Value {
  const spatial = kernel.map((_, n) => n + 2)
  const swapped = { perm: [1, 0, ...spatial] }
  const swap = (x: Value): Value => b.op('Transpose', [x], swapped)
  let signal: Value
  if (group === 1) signal = swap(large)
  else {
    // [N, g·C, …] as [C, g·N, …]: each group of channels meets its own outputs.
    const own = (channels as number) / group
    const groups = b.op('Reshape', [large, b.ints([0, group, own, ...sizes])])
    const turned = b.op('Transpose', [groups], { perm: [2, 1, 0, ...spatial.map((axis) => axis + 1)] })
    signal = b.op('Reshape', [turned, b.ints([own, -1, ...sizes])])
  }
  const full = b.op('Conv', [signal, swap(small)], { strides: dilations, dilations: strides, pads, group })
  const axes = b.ints(spatial)
  return swap(b.op('Slice', [full, b.ints(kernel.map(() => 0)), b.ints(kernel), axes]))
}

function channelSum(b: Builder, x: Value): Value {
  const others = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  return b.op('ReduceSum', [x, b.ints(others)], { keepdims: 0 })
}

function kernelSizes(w: Value): readonly number[] {
  return concreteShape(w.shape.slice(2), 'kernel')
}

export function convGradient(g: GradContext<'Conv'>): readonly (Value | null)[] {
  const { b, attrs } = g
  const [x, w] = g.x as readonly [Value, Value]
  const dy = firstOf(g)
  const way = geometryOf(attrs, x, dy, kernelSizes(w))
  return each(
    g,
    () => spread(b, dy, w, attrs.group, way),
    () => kernelGradient(b, x, dy, attrs.group, way),
    () => channelSum(b, dy),
  )
}

/** The transposed convolution goes from small to large, so its gradient is the plain one. */
export function convTransposeGradient(g: GradContext<'ConvTranspose'>): readonly (Value | null)[] {
  const { b, attrs } = g
  const [x, w] = g.x as readonly [Value, Value]
  const dy = firstOf(g)
  const way = geometryOf(attrs, dy, x, kernelSizes(w))
  const { strides, dilations, pads } = way
  return each(
    g,
    () => b.op('Conv', [dy, w], { strides, dilations, pads, group: attrs.group }),
    () => kernelGradient(b, dy, x, attrs.group, way),
    () => channelSum(b, dy),
  )
}
