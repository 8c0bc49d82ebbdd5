import type { Builder, Dim, GradContext, OpTable, Value } from '../graph/index.ts'
import { normalizeAxis, sizeOf, type Tensor } from '../tensor/index.ts'
import { addDims, divideDims, isConcrete, joinDims, UNKNOWN } from './dims.ts'
import { type Element, elementsOf, FOLD_LIMIT, generate, intsOf, rearrange } from './fold.ts'
import { Formula, shapeOf, sizeAlong, zerosLike } from './math.ts'
import { firstOf, type Inference, noGradient, row } from './row.ts'

/** One axis of a slice with everything in numbers: the first place, the step and how many. */
interface Range {
  readonly start: number
  readonly step: number
  readonly count: number
}

/** numpy's slicing rule: negative places count from the end, then everything is clamped. */
function resolveRange(size: number, start: number, end: number, step: number): Range {
  const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high)
  const from = start < 0 ? start + size : start
  const to = end < 0 ? end + size : end
  if (step > 0) {
    const first = clamp(from, 0, size)
    return { start: first, step, count: Math.max(0, Math.ceil((clamp(to, 0, size) - first) / step)) }
  }
  const first = clamp(from, 0, size - 1)
  return { start: first, step, count: Math.max(0, Math.ceil((clamp(to, -1, size - 1) - first) / step)) }
}

function inferSlice(i: Inference<'Slice'>) {
  const shape = i.shape(0)
  const [starts, ends] = [i.ints(1), i.dims(2)]
  const count = i.shape(1)[0]
  const all =
    typeof count === 'number' ? Array.from({ length: count }, (_, axis) => axis) : i.fail('starts of known length')
  const axes = i.x[3] ? i.ints(3) : all
  const steps = i.x[4] ? i.ints(4) : all.map(() => 1)
  if (axes === null) return [i.like(shape.map(() => UNKNOWN))]
  if (axes.length !== all.length || (ends && ends.length !== all.length)) i.fail('starts, ends and axes of one length')
  const dims = [...shape]
  for (const [n, given] of axes.entries()) {
    const axis = i.axis(given, shape.length)
    if (steps?.[n] === 0) i.fail('steps other than 0')
    dims[axis] = slicedDim(dims[axis] as Dim, starts?.[n], ends?.[n], steps?.[n])
  }
  return [{ ...i.like(dims), content: slicedContent(i, axes, starts, ends, steps) }]
}

function slicedDim(size: Dim, start?: number, end?: Dim, step?: number): Dim {
  if (start === undefined || end === undefined || step === undefined) return UNKNOWN
  if (typeof size === 'number') return typeof end === 'number' ? resolveRange(size, start, end, step).count : UNKNOWN
  // Of a symbolic size only the whole is known: from 0 to its own end, or past any end.
  if (start !== 0 || step !== 1) return UNKNOWN
  return end === size || (typeof end === 'number' && end >= 2 ** 31 - 1) ? size : UNKNOWN
}

/** A slice of a shape vector. */
function slicedContent(
  i: Inference<'Slice'>,
  axes: readonly number[],
  starts: readonly number[] | null,
  ends: readonly Dim[] | null,
  steps: readonly number[] | null,
): readonly Dim[] | undefined {
  const content = i.x[0]?.content
  if (!content || axes.length !== 1 || !starts || !ends || !isConcrete(ends) || !steps) return undefined
  const { start, step, count } = resolveRange(
    content.length,
    starts[0] as number,
    ends[0] as number,
    steps[0] as number,
  )
  return Array.from({ length: count }, (_, k) => content[start + k * step] as Dim)
}

function foldSlice(x: readonly (Tensor | null)[]): readonly Tensor[] | null {
  const [data, starts, ends, axes, steps] = x
  if (!data || !starts || !ends) return null
  const ranges = data.shape.map((count): Range => ({ start: 0, step: 1, count }))
  const from = intsOf(starts)
  for (const [n, start] of from.entries()) {
    const axis = normalizeAxis(axes ? (intsOf(axes)[n] as number) : n, data.shape.length)
    const step = steps ? (intsOf(steps)[n] as number) : 1
    ranges[axis] = resolveRange(data.shape[axis] as number, start, intsOf(ends)[n] as number, step)
  }
  const shape = ranges.map(({ count }) => count)
  if (sizeOf(shape) > FOLD_LIMIT) return null
  return [rearrange(data, shape, (at) => at.map((place, axis) => rangeAt(ranges[axis] as Range, place)))]
}

function rangeAt({ start, step }: Range, place: number): number {
  return start + place * step
}

/** Steps of 1 on known sizes: the gradient is padded with zeros. Anything else goes axis by axis. */
function sliceGradient(g: GradContext<'Slice'>): Value {
  const { b } = g
  const [x, ...given] = g.x as readonly [Value, ...(Value | null)[]]
  const [starts, ends, axes, steps] = given.map((value) => (value ? b.constantOf(value) : null))
  const dy = firstOf(g)
  const unit = !given[3] || (steps && intsOf(steps).every((step) => step === 1))
  if (starts && ends && unit && isConcrete(x.shape) && (axes || !given[2])) {
    const places = axes
      ? intsOf(axes).map((axis) => normalizeAxis(axis, x.shape.length))
      : intsOf(starts).map((_, n) => n)
    const before = x.shape.map(() => 0)
    const after = x.shape.map(() => 0)
    for (const [n, axis] of places.entries()) {
      const size = x.shape[axis] as number
      const { start, count } = resolveRange(size, intsOf(starts)[n] as number, intsOf(ends)[n] as number, 1)
      before[axis] = start
      after[axis] = size - start - count
    }
    return b.op('Pad', [dy, b.ints([...before, ...after])])
  }
  return sliceAxisByAxis(g, x, dy)
}

/**
 * Each sliced axis in turn: the same slice of 0, 1, 2… says where an element came from, and ScatterElements puts its
 * gradient back there.
 */
function sliceAxisByAxis(g: GradContext<'Slice'>, x: Value, dy: Value): Value {
  const { b } = g
  const [, starts, ends, axes = null, steps = null] = g.x as readonly [Value, Value, Value, Value?, Value?]
  const axesContent = axes && b.constantOf(axes)
  const count = starts.shape[0] as number
  const places = axesContent ? intsOf(axesContent) : Array.from({ length: count }, (_, n) => n)
  let gradient = dy
  for (const [n, given] of places.entries()) {
    const axis = normalizeAxis(given, x.shape.length)
    const one = (list: Value | null): Value | null => list && b.op('Gather', [list, b.ints([n])])
    const along = [one(starts) as Value, one(ends) as Value, axes && b.ints([0]), one(steps)]
    const aligned = along.map((value) => value && (value.dtype === 'int64' ? value : b.op('Cast', [value], { to: 7 })))
    const from = b.op('Slice', [countUp(b, sizeAlong(b, x, axis)), ...aligned])
    gradient = scatterAlong(b, gradient, from, axis, sizeAlong(b, x, axis))
  }
  return gradient
}

/** 0, 1, 2… up to a size given as a vector of one element. */
function countUp(b: Builder, size: Value): Value {
  const zero = b.scalar(0, 'int64')
  return b.op('Range', [zero, b.op('Squeeze', [size, b.ints([0])]), b.scalar(1, 'int64')])
}

/** Adds the layers of `x` along an axis into zeros of another size there: layer i goes to place `to[i]`. */
function scatterAlong(b: Builder, x: Value, to: Value, axis: number, size: Value): Value {
  const rank = x.shape.length
  const column = b.op('Reshape', [to, b.ints(Array.from({ length: rank }, (_, n) => (n === axis ? -1 : 1)))])
  const indices = b.op('Expand', [column, shapeOf(b, x)])
  const sizes = Array.from({ length: rank }, (_, n) => (n === axis ? size : sizeAlong(b, x, n)))
  const shape = b.op('Concat', sizes, { axis: 0 })
  const zeros = b.op('Expand', [new Formula(b, x.dtype).value(0), shape])
  return b.op('ScatterElements', [zeros, indices, x], { axis, reduction: 'add' })
}

/** Pads by axis: [before, after], 0 where no pad is given; null where they are known at run time only. */
function padsOf(
  rank: number,
  pads: readonly number[] | null,
  axes: readonly number[] | null,
): readonly (readonly [number, number])[] | null {
  const places =
    axes?.map((axis) => normalizeAxis(axis, rank, 'Pad')) ?? Array.from({ length: rank }, (_, axis) => axis)
  if (!pads || pads.length !== 2 * places.length) return null
  return Array.from({ length: rank }, (_, axis) => {
    const n = places.indexOf(axis)
    return n < 0 ? [0, 0] : [pads[n] as number, pads[n + places.length] as number]
  })
}

/** Where an element was repeated into the margin, its gradients add up. */
function padGradient(g: GradContext<'Pad'>): readonly (Value | null)[] {
  const { b } = g
  const [x, pads, , axes = null] = g.x as readonly [Value, Value, Value | null | undefined, Value?]
  const dy = firstOf(g)
  if (g.attrs.mode === 'constant') {
    // Negative pads cut: what was added goes away, what was cut comes back as zeros.
    const inside = b.op('Pad', [dy, b.op('Neg', [pads]), null, axes])
    if (!g.need(2)) return [inside]
    const m = new Formula(b, dy.dtype)
    return [g.need(0) ? inside : null, null, m.sub(m.sum(dy, undefined, 0), m.sum(inside, undefined, 0))]
  }
  const [padContent, axesContent] = [pads, axes].map((value) => value && b.constantOf(value))
  const byAxis = padsOf(
    x.shape.length,
    padContent ? intsOf(padContent) : null,
    axesContent ? intsOf(axesContent) : null,
  )
  if (byAxis === null) throw noGradient('Pad', 'constant pads')
  let gradient = dy
  for (const [axis, [before, after]] of byAxis.entries()) {
    if (before === 0 && after === 0) continue
    const size = sizeAlong(b, x, axis)
    const from = b.op('Pad', [countUp(b, size), b.ints([before, after])], { mode: g.attrs.mode })
    gradient = scatterAlong(b, gradient, from, axis, size)
  }
  return [gradient]
}

/** Cuts the gradient where the inputs were joined. */
function concatGradient(g: GradContext<'Concat'>): readonly (Value | null)[] {
  const { b } = g
  const inputs = g.x as readonly Value[]
  const dy = firstOf(g)
  const axis = normalizeAxis(g.attrs.axis, dy.shape.length)
  const sizes = inputs.map((x) => x.shape[axis] as Dim)
  if (inputs.length === 1) return [dy]
  if (!isConcrete(sizes)) {
    const split = b.op(
      'Concat',
      inputs.map((x) => sizeAlong(b, x, axis)),
      { axis: 0 },
    )
    return b.ops('Split', [dy, split], { axis }, inputs.length)
  }
  const starts = sizes.map((_, n) => addDims(sizes.slice(0, n)) as number)
  return inputs.map((_, n) => {
    const start = starts[n] as number
    const end = start + (sizes[n] as number)
    return g.need(n) ? b.op('Slice', [dy, b.ints([start]), b.ints([end]), b.ints([axis])]) : null
  })
}

function splitSizes(i: Inference<'Split'>, size: Dim): readonly Dim[] {
  const { num_outputs } = i.attrs
  const given = i.x[1] ? i.dims(1) : null
  if (i.x[1] && num_outputs !== undefined) i.fail('either split sizes or num_outputs')
  if (given) {
    if (given.length !== i.outputs) i.fail(`${given.length} outputs for as many sizes`)
    if (joinDims(addDims(given), size) === undefined) i.fail(`sizes that add up to ${size}`)
    return given
  }
  const count = i.x[1] ? i.outputs : (num_outputs ?? i.outputs)
  if (count !== i.outputs) i.fail(`${count} outputs, as num_outputs says`)
  if (i.x[1]) return Array.from({ length: count }, () => UNKNOWN)
  if (typeof size !== 'number') return Array.from({ length: count }, () => divideDims(size, count) ?? UNKNOWN)
  // The last part is smaller where the size does not divide.
  const part = Math.ceil(size / count)
  return Array.from({ length: count }, (_, n) => (n < count - 1 ? part : size - part * (count - 1)))
}

export const SLICE = {
  Concat: row('Concat', {
    infer: (i) => {
      const shapes = i.shapes()
      const [first] = shapes as readonly [readonly Dim[]]
      const axis = i.axis(i.attrs.axis, first.length)
      const joined = first.map((_, n) => {
        if (shapes.some((shape) => shape.length !== first.length)) i.fail('inputs of one rank')
        const dims = shapes.map((shape) => shape[n] as Dim)
        if (n === axis) return addDims(dims)
        return dims.reduce((a, b) => joinDims(a, b) ?? i.fail(`equal sizes on all axes but ${axis}`))
      })
      const contents = i.x.map((_, n) => (first.length === 1 ? i.dims(n) : null))
      const content = contents.every((dims) => dims !== null) ? contents.flat() : undefined
      return [
        { ...i.like(joined), ...(content && content.length <= FOLD_LIMIT && i.at(0).dtype === 'int64' && { content }) },
      ]
    },
    grad: concatGradient,
    fold: (x, { axis }) => {
      const tensors = x as readonly Tensor[]
      const [first] = tensors
      if (!first) return null
      const along = normalizeAxis(axis, first.shape.length)
      const total = tensors.reduce((sum, tensor) => sum + (tensor.shape[along] as number), 0)
      const shape = first.shape.map((dim, n) => (n === along ? total : dim))
      if (sizeOf(shape) > FOLD_LIMIT) return null
      const inner = sizeOf(shape.slice(along + 1))
      const sources = tensors.flatMap((tensor) =>
        Array.from({ length: tensor.shape[along] as number }, (_, k) => [tensor, k] as const),
      )
      return [
        generate(first.dtype, shape, (n) => {
          const outer = Math.floor(n / (inner * total))
          const [tensor, k] = sources[Math.floor(n / inner) % total] as readonly [Tensor, number]
          return elementsOf(tensor)[(outer * (tensor.shape[along] as number) + k) * inner + (n % inner)] as Element
        }),
      ]
    },
  }),
  Split: row('Split', {
    infer: (i) => {
      const shape = i.shape(0)
      const axis = i.axis(i.attrs.axis, shape.length)
      const sizes = splitSizes(i, shape[axis] as Dim)
      return sizes.map((size) => i.like(shape.map((dim, n) => (n === axis ? size : dim))))
    },
    grad: (g) => {
      const parts = g.dy.map((dy, n) => dy ?? zerosLike(g.b, g.y[n] as Value))
      return [g.b.op('Concat', parts, { axis: g.attrs.axis })]
    },
  }),
  Slice: row('Slice', { infer: inferSlice, grad: (g) => [sliceGradient(g)], fold: foldSlice }),
  Pad: row('Pad', {
    infer: (i) => {
      const { mode } = i.attrs
      const shape = i.shape(0)
      if (!['constant', 'reflect', 'edge', 'wrap'].includes(mode)) i.fail(`a mode that exists, not ${mode}`)
      const [pads, axes] = [i.ints(1), i.ints(3)]
      if (pads === null || (i.x[3] && axes === null)) return [i.like(shape.map(() => UNKNOWN))]
      const byAxis = padsOf(shape.length, pads, axes) ?? i.fail('two pads for each axis')
      return [
        i.like(
          shape.map((dim, axis) => {
            const [before, after] = byAxis[axis] as readonly [number, number]
            const size = addDims([dim, before + after])
            return typeof dim === 'string' && before + after < 0 ? UNKNOWN : size
          }),
        ),
      ]
    },
    grad: padGradient,
  }),
  Trilu: row('Trilu', {
    infer: (i) => {
      if (i.shape(0).length < 2) i.fail('at least two axes')
      return [i.like(i.shape(0))]
    },
    grad: (g) => [g.need(0) ? g.b.op('Trilu', [firstOf(g), ...g.x.slice(1)], g.attrs) : null],
    fold: ([x, k], { upper }) => {
      if (!x) return null
      const diagonal = k ? Number(elementsOf(k)[0]) : 0
      const zero = typeof elementsOf(x)[0] === 'bigint' ? 0n : 0
      const [rows, columns] = x.shape.slice(-2) as [number, number]
      return [
        generate(x.dtype, x.shape, (n) => {
          const distance = (n % columns) - (Math.floor(n / columns) % rows)
          return (upper ? distance >= diagonal : distance <= diagonal) ? (elementsOf(x)[n] as Element) : zero
        }),
      ]
    },
  }),
} satisfies Partial<OpTable>
