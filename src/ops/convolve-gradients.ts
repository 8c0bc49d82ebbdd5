import { type Builder, concreteShape, type GradContext, type Value } from '../graph/index.ts'
import { sizeOf, Tensor } from '../tensor/index.ts'
import { Formula, shapeOf, zerosLike } from './math.ts'
import { each, firstOf, noGradient } from './row.ts'

/*
 * Gradients of convolutions and pools in their plainest right form. Which of several equal formulas is fastest depends
 * on sizes and threads; that choice is a runtime pass's, made by measurement.
 */

interface Window {
  readonly auto_pad: string
  readonly dilations?: readonly number[]
  readonly pads?: readonly number[]
  readonly strides?: readonly number[]
}

/** A window's way over the large side of a convolution, in numbers for each spatial axis. */
interface Geometry {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Front margins, then the end margins that the windows really reach into. */
  readonly pads: readonly number[]
  /** Places at the end that no window reaches. */
  readonly spare: readonly number[]
}

function geometryOf(attrs: Window, large: Value, small: Value, kernel: readonly number[]): Geometry {
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
function spread(b: Builder, small: Value, w: Value, group: number, { spare, ...way }: Geometry): Value {
  const { strides, dilations, pads } = way
  return b.op('ConvTranspose', [small, w], { strides, dilations, pads, output_padding: spare, group })
}

/**
 * The gradient of the kernel, [M, C/group, …], of a convolution from `large` to `small`: a convolution of one with the
 * other, batch and channels swapped, that steps by the dilations and is dilated by the strides.
 */
function kernelGradient(b: Builder, large: Value, small: Value, group: number, way: Geometry): Value {
  const { kernel, strides, dilations, pads } = way
  const spatial = kernel.map((_, n) => n + 2)
  const sizes = concreteShape(large.shape.slice(2), 'gradient of a kernel')
  const swapped = { perm: [1, 0, ...spatial] }
  const swap = (x: Value): Value => b.op('Transpose', [x], swapped)
  let signal: Value
  if (group === 1) signal = swap(large)
  else {
    // [N, g·C, …] as [C, g·N, …]: each group of channels meets its own outputs.
    const [channels] = concreteShape(large.shape.slice(1, 2), 'gradient of a kernel') as [number]
    const groups = b.op('Reshape', [large, b.ints([0, group, channels / group, ...sizes])])
    const turned = b.op('Transpose', [groups], { perm: [2, 1, 0, ...spatial.map((axis) => axis + 1)] })
    signal = b.op('Reshape', [turned, b.ints([channels / group, -1, ...sizes])])
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

/** The first largest element of each window gets its gradient, as in TensorFlow: the pool itself says which it was. */
export function maxPoolGradient(g: GradContext<'MaxPool'>): readonly (Value | null)[] {
  const { b, attrs } = g
  const x = g.x[0] as Value
  const [dy] = g.dy
  if (!dy) return []
  // Places count through the whole input: row by row, unless the graph itself asked for columns.
  if (g.y[1] && attrs.storage_order !== 0) throw noGradient('MaxPool', 'storage_order=0')
  const places = g.y[1] ?? (g.extend({ ...attrs, storage_order: 0 }, 1)[0] as Value)
  const flat = (value: Value): Value => b.op('Reshape', [value, b.ints([-1])])
  const sums = b.op('ScatterElements', [flat(zerosLike(b, x)), flat(places), flat(dy)], { reduction: 'add' })
  return [b.op('Reshape', [sums, shapeOf(b, x)])]
}

/** Each place's gradient, divided by how many elements it averaged, spread evenly over its window. */
export function averagePoolGradient(g: GradContext<'AveragePool'>): readonly (Value | null)[] {
  const { b, attrs } = g
  const x = g.x[0] as Value
  const dy = firstOf(g)
  const m = new Formula(b, dy.dtype)
  const way = geometryOf(attrs, x, dy, attrs.kernel_shape)
  const sizes = concreteShape(x.shape.slice(2), 'gradient of a pool')
  const counts = concreteShape(dy.shape.slice(2), 'gradient of a pool')
  const shares = m.div(dy, m.like(b.constant(countElements(attrs, way, sizes, counts))))
  // All channels of all images are one batch of single channels for a kernel of ones.
  const single = b.op('Reshape', [shares, b.ints([-1, 1, ...counts])])
  const ones = m.like(b.full([1, 1, ...way.kernel], 1))
  return [b.op('Reshape', [spread(b, single, ones, 1, way), shapeOf(b, x)])]
}

/** How many elements each window averages: with margins where they count, never what lies beyond the end margin. */
function countElements(
  attrs: Window & { readonly count_include_pad: number },
  { kernel, strides, dilations, pads }: Geometry,
  sizes: readonly number[],
  counts: readonly number[],
): Tensor {
  const rank = sizes.length
  const perAxis = sizes.map((size, n) =>
    Array.from({ length: counts[n] as number }, (_, place) => {
      const front = pads[n] as number
      const end = attrs.auto_pad === 'NOTSET' ? (attrs.pads?.[n + rank] ?? 0) : (pads[n + rank] as number)
      const [low, high] = attrs.count_include_pad ? [-front, size + end] : [0, size]
      const start = place * (strides[n] as number) - front
      const taken = Array.from({ length: kernel[n] as number }, (_, k) => start + k * (dilations[n] as number))
      return taken.filter((at) => at >= low && at < high).length
    }),
  )
  const data = new Float32Array(sizeOf(counts))
  for (let i = 0; i < data.length; i++) {
    let rest = i
    let product = 1
    for (let n = rank - 1; n >= 0; n--) {
      product *= perAxis[n]?.[rest % (counts[n] as number)] as number
      rest = Math.floor(rest / (counts[n] as number))
    }
    data[i] = product
  }
  return new Tensor('float32', [1, 1, ...counts], data)
}

export function globalAverageGradient(g: GradContext<'GlobalAveragePool'>): readonly (Value | null)[] {
  const { b } = g
  const x = g.x[0] as Value
  const m = new Formula(b, x.dtype)
  const count = sizeOf(concreteShape(x.shape.slice(2), 'gradient of a pool'))
  return [b.op('Expand', [m.div(firstOf(g), count), shapeOf(b, x)])]
}

/** Equal maxima share the gradient evenly, as Keras's GlobalMaxPooling, which is a ReduceMax in TensorFlow. */
export function globalMaxGradient(g: GradContext<'GlobalMaxPool'>): readonly (Value | null)[] {
  const { b } = g
  const [x, y] = [g.x[0] as Value, g.y[0] as Value]
  const m = new Formula(b, x.dtype)
  const chosen = m.mask(m.equal(x, y))
  const spatial = x.shape.slice(2).map((_, n) => n + 2)
  return [m.mul(chosen, m.div(firstOf(g), m.sum(chosen, spatial)))]
}
