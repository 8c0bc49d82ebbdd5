import { type Builder, concreteShape, type GradContext, type Value } from '../graph/index.ts'
import { sizeOf, Tensor } from '../tensor/index.ts'
import { type Geometry, geometryOf, spread, type Window } from './convolve-gradients.ts'
import { Formula, shapeOf, zerosLike } from './math.ts'
import { firstOf, noGradient } from './row.ts'

/**
 * The first largest element of each window (row by row) gets its gradient, as in JAX, torch and TensorFlow
 * (whose three-dimensional pool on CPUs alone gives it to all that are equal). Windows that lie side by
 * side compare elements with their window's maximum; others ask the pool itself which element it was, which makes it
 * several times slower.
 */
export function maxPoolGradient(g: GradContext<'MaxPool'>): readonly (Value | null)[] {
  const { b, attrs } = g
  const x = g.x[0] as Value
  const [dy] = g.dy
  if (!dy) return []
  if (!g.y[1] && x.dtype === 'float32' && isTiling(attrs, x, dy))
    return [tiledMaxGradient(b, x, g.y[0] as Value, dy, attrs)]
  // Places count through the whole input: row by row, unless the graph itself asked for columns.
  if (g.y[1] && attrs.storage_order !== 0) throw noGradient('MaxPool', 'storage_order=0')
  const places = g.y[1] ?? (g.extend({ ...attrs, storage_order: 0 }, 1)[0] as Value)
  const flat = (value: Value): Value => b.op('Reshape', [value, b.ints([-1])])
  const sums = b.op('ScatterElements', [flat(zerosLike(b, x)), flat(places), flat(dy)], { reduction: 'add' })
  return [b.op('Reshape', [sums, shapeOf(b, x)])]
}

type PoolAttrs = Window & { readonly kernel_shape: readonly number[] }

/** Do the windows cut the input into tiles, with nothing added at the margins? */
function isTiling(attrs: PoolAttrs, x: Value, y: Value): boolean {
  const { kernel, strides, dilations, pads } = geometryOf(attrs, x, y, attrs.kernel_shape)
  const still = dilations.every((step, n) => step === 1 || kernel[n] === 1)
  return still && pads.every((size) => size === 0) && kernel.every((size, n) => size === strides[n])
}

/**
 * An element equal to its window's maximum ranks by its place in the window, the first highest, all others 0; the
 * highest rank of a window wins. HardSigmoid(3e38·(a − b) + 1) is 1 for a = b and 0 for a < b: the engine's fastest
 * comparison.
 */
function tiledMaxGradient(b: Builder, x: Value, y: Value, dy: Value, { kernel_shape: kernel }: PoolAttrs): Value {
  const m = new Formula(b, x.dtype)
  const sizes = concreteShape(x.shape.slice(2), 'gradient of a pool')
  const covered = concreteShape(y.shape.slice(2), 'gradient of a pool').map((count, n) => count * (kernel[n] as number))
  const isMaximum = (a: Value, top: Value): Value => b.op('HardSigmoid', [m.sub(a, top)], { alpha: 3e38, beta: 1 })
  const axes = b.ints(kernel.map((_, n) => n + 2))
  const spare = covered.map((size, n) => (sizes[n] as number) - size)
  const whole = spare.every((size) => size === 0)
  const tiles = whole ? x : b.op('Slice', [x, b.ints(kernel.map(() => 0)), b.ints(covered), axes])
  const ranks = m.mul(isMaximum(tiles, enlarge(b, y, kernel)), b.constant(ranksOf(covered, kernel)))
  const highest = b.op('MaxPool', [ranks], { kernel_shape: kernel, strides: kernel })
  const dx = m.mul(isMaximum(ranks, enlarge(b, highest, kernel)), enlarge(b, dy, kernel))
  return whole ? dx : b.op('Pad', [dx, b.ints([0, 0, ...spare.map(() => 0), 0, 0, ...spare])])
}

/** Each element's rank in its tile: as many as it has elements for the first, 1 for the last. */
function ranksOf(sizes: readonly number[], kernel: readonly number[]): Tensor {
  const data = new Float32Array(sizeOf(sizes))
  const taps = sizeOf(kernel)
  for (let i = 0; i < data.length; i++) {
    let [rest, place, weight] = [i, 0, 1]
    for (let n = sizes.length - 1; n >= 0; n--) {
      const [size, length] = [sizes[n] as number, kernel[n] as number]
      place += ((rest % size) % length) * weight
      weight *= length
      rest = Math.floor(rest / size)
    }
    data[i] = taps - place
  }
  return new Tensor('float32', [1, 1, ...sizes], data)
}

/** Elements of a row that one product repeats: longer rows are cut, which keeps the product's work small. */
const LONGEST_BLOCK = 16

/**
 * Every element repeated over its tile. Along the last axis by a product with zeros and ones, exact for finite numbers
 * and many times faster than `Expand` by a factor of two; along the others whole rows are copied.
 */
function enlarge(b: Builder, x: Value, factors: readonly number[]): Value {
  const [images, channels, ...sizes] = concreteShape(x.shape, 'gradient of a pool') as [number, number, ...number[]]
  const last = sizes.length - 1
  const length = sizes[last] as number
  const factor = factors[last] as number
  const block = blockOf(length)
  const rows = b.op('Reshape', [x, b.ints([-1, block])])
  const wide = factor === 1 ? x : b.op('MatMul', [rows, b.constant(repeatMatrix(block, factor))])
  let current = [...sizes.slice(0, last), length * factor]
  let y = wide
  for (let n = last - 1; n >= 0; n--) {
    const times = factors[n] as number
    const inner = current.slice(n + 1)
    const single = b.op('Reshape', [y, b.ints([images, channels, ...current.slice(0, n + 1), 1, ...inner])])
    y = b.op('Concat', new Array<Value>(times).fill(single), { axis: n + 3 })
    current = [...current.slice(0, n), (current[n] as number) * times, ...inner]
  }
  return b.op('Reshape', [y, b.ints([images, channels, ...current])])
}

/** The longest divisor of a row that makes a good block; a row without one is taken whole. */
function blockOf(length: number): number {
  for (let block = Math.min(LONGEST_BLOCK, length); block > 3; block--) if (length % block === 0) return block
  return length
}

/** [length, length · times]: row i has ones at the places of element i. */
function repeatMatrix(length: number, times: number): Tensor {
  const data = new Float32Array(length * length * times)
  for (let column = 0; column < length * times; column++) data[Math.floor(column / times) * length * times + column] = 1
  return new Tensor('float32', [length, length * times], data)
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
