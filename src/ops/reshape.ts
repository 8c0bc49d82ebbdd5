import type { Builder, Dim, GradContext, OpTable, Type, Value } from '../graph/index.ts'
import { sizeOf, type Tensor } from '../tensor/index.ts'
import { broadcastShapes, divideDims, isConcrete, joinDims, multiplyDims, UNKNOWN } from './dims.ts'
import { broadcastReader, elementsOf, FOLD_LIMIT, generate, intsOf, rearrange } from './fold.ts'
import { reshapeLike } from './math.ts'
import { firstOf, type Inference, row } from './row.ts'

type ShapeOp = 'Reshape' | 'Flatten' | 'Squeeze' | 'Unsqueeze'

/** Operators that keep the elements in their order: the gradient only takes the input's shape again. */
function reshapeBack(g: GradContext<ShapeOp>): readonly (Value | null)[] {
  return [reshapeLike(g.b, firstOf(g), g.x[0] as Value)]
}

/** The same elements under the shape that the operator's inference gives. */
function foldReshape(shape: (x: Tensor, more: Tensor | null) => readonly number[] | null) {
  return ([x, more = null]: readonly (Tensor | null)[]): readonly Tensor[] | null => {
    const target = x ? shape(x, more) : null
    return x && target && sizeOf(target) === x.size ? [x.reshape(target)] : null
  }
}

function inferReshape(i: Inference<'Reshape'>): readonly Dim[] {
  const shape = i.shape(0)
  const target = i.dims(1)
  if (target === null) {
    const rank = i.shape(1)[0]
    if (typeof rank !== 'number') return i.fail('a target shape of known length')
    return Array.from({ length: rank }, () => UNKNOWN)
  }
  return (
    resolveReshape(shape, target, i.attrs.allowzero) ?? i.fail(`a shape of as many elements as [${target.join(', ')}]`)
  )
}

/** 0 keeps the input's size at that place, a single -1 takes what is left. */
function resolveReshape(shape: readonly Dim[], target: readonly Dim[], allowzero: number): readonly Dim[] | null {
  const dims = target.map((dim, axis) => (dim === 0 && !allowzero ? (shape[axis] ?? null) : dim))
  const free = dims.indexOf(-1)
  if (dims.includes(null) || dims.lastIndexOf(-1) !== free) return null
  const known = dims.filter((dim): dim is Dim => dim !== null && dim !== -1)
  if (known.some((dim) => typeof dim === 'number' && dim < 0)) return null
  if (free < 0) {
    const [before, after] = [multiplyDims(shape), multiplyDims(known)]
    return joinDims(before, after) === undefined ? null : known
  }
  const copied = (axis: number): boolean => target[axis] === 0 && !allowzero
  const left = shape.filter((_, axis) => !copied(axis))
  const right = target.filter((dim, axis) => dim !== -1 && !copied(axis))
  const rest = divideDims(...cancel(left, right))
  if (rest === null && isConcrete(left) && isConcrete(right)) return null
  return [...known.slice(0, free), rest ?? UNKNOWN, ...known.slice(free)]
}

/** Both products without the sizes that stand on both sides, so that an unknown one does not spoil the rest. */
function cancel(shape: readonly Dim[], known: readonly Dim[]): readonly [Dim, Dim] {
  const left = [...shape]
  const right = known.filter((dim) => {
    const place = dim === 0 || dim === UNKNOWN ? -1 : left.indexOf(dim)
    if (place >= 0) left.splice(place, 1)
    return place < 0
  })
  return [multiplyDims(left), multiplyDims(right)]
}

function squeezedAxes(i: Inference<'Squeeze'>): readonly number[] {
  const shape = i.shape(0)
  const given = i.x[1] ? i.ints(1) : shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []))
  const axes = (given ?? i.fail('constant axes')).map((axis) => i.axis(axis, shape.length))
  if (!i.x[1] && !isConcrete(shape)) i.fail('axes, since a symbolic size may be 1')
  if (axes.some((axis) => joinDims(shape[axis] as Dim, 1) === undefined)) i.fail(`size 1 on axes ${axes.join(', ')}`)
  return axes
}

function unsqueezedShape(shape: readonly Dim[], axes: readonly number[]): readonly Dim[] | null {
  const rank = shape.length + axes.length
  const places = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)))
  if (places.size !== axes.length || [...places].some((axis) => axis < 0 || axis >= rank)) return null
  const rest = [...shape]
  return Array.from({ length: rank }, (_, axis) => (places.has(axis) ? 1 : (rest.shift() as Dim)))
}

function permOf(perm: readonly number[] | undefined, rank: number): readonly number[] {
  return perm ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis)
}

/** The content of a value whose elements stay as they are. */
function keepContent(i: Inference<ShapeOp>, type: Type): readonly Type[] {
  return [type.shape.length <= 1 ? { ...type, content: i.x[0]?.content } : type]
}

function blockShape(i: Inference<'DepthToSpace' | 'SpaceToDepth'>): readonly [Dim, Dim, Dim, Dim] {
  const shape = i.shape(0)
  if (shape.length !== 4) i.fail('four axes: N, C, H, W')
  if (i.attrs.blocksize < 1) i.fail('a blocksize of at least 1')
  return shape as readonly [Dim, Dim, Dim, Dim]
}

function expandShape(i: Inference<'Expand'>): readonly Dim[] {
  const target = i.dims(1)
  if (target)
    return broadcastShapes([i.shape(0), target]) ?? i.fail(`a shape that broadcasts to [${target.join(', ')}]`)
  const rank = i.shape(1)[0]
  if (typeof rank !== 'number') return i.fail('a target shape of known length')
  return Array.from({ length: Math.max(rank, i.shape(0).length) }, () => UNKNOWN)
}

/** Columns into rows: [N, b·b·C, H, W] of `mode` DCR or CRD apart, for the gradient of the CRD form. */
function depthBack(b: Builder, x: Value, dy: Value, block: number, mode: string): Value {
  if (mode === 'DCR') return b.op('SpaceToDepth', [dy], { blocksize: block })
  const blocks = b.op('Reshape', [dy, splitBlocks(b, x, block)])
  return reshapeLike(b, b.op('Transpose', [blocks], { perm: [0, 1, 3, 5, 2, 4] }), x)
}

/** [N, C / b², H, b, W, b] of an input [N, C, H, W]; sizes that are not numbers are read at run time. */
function splitBlocks(b: Builder, x: Value, block: number): Value {
  const [n, channels, height, width] = x.shape as readonly [Dim, Dim, Dim, Dim]
  const depth = divideDims(channels, block * block)
  if (isConcrete([n, height, width]) && typeof depth === 'number') {
    return b.ints([n, depth, height, block, width, block] as number[])
  }
  const along = (axis: number): Value => b.op('Shape', [x], { start: axis, end: axis + 1 })
  const parts = [along(0), b.ints([-1]), along(2), b.ints([block]), along(3), b.ints([block])]
  return b.op('Concat', parts, { axis: 0 })
}

export const RESHAPE = {
  Reshape: row('Reshape', {
    infer: (i) => keepContent(i, i.like(inferReshape(i))),
    grad: reshapeBack,
    fold: (x, { allowzero }) =>
      foldReshape(
        (data, target) => target && (resolveReshape(data.shape, intsOf(target), allowzero) as readonly number[] | null),
      )(x),
  }),
  Flatten: row('Flatten', {
    infer: (i) => {
      const shape = i.shape(0)
      const { axis } = i.attrs
      const cut = axis < 0 ? axis + shape.length : axis
      if (cut < 0 || cut > shape.length) i.fail(`an axis from ${-shape.length} to ${shape.length}, not ${axis}`)
      return [i.like([multiplyDims(shape.slice(0, cut)), multiplyDims(shape.slice(cut))])]
    },
    grad: reshapeBack,
    fold: (x, { axis }) =>
      foldReshape(({ shape }) => {
        const cut = axis < 0 ? axis + shape.length : axis
        return [sizeOf(shape.slice(0, cut)), sizeOf(shape.slice(cut))]
      })(x),
  }),
  Squeeze: row('Squeeze', {
    infer: (i) => {
      const axes = squeezedAxes(i)
      return keepContent(i, i.like(i.shape(0).filter((_, axis) => !axes.includes(axis))))
    },
    grad: reshapeBack,
    fold: foldReshape(({ shape }, given) => {
      const axes = given && intsOf(given).map((axis) => (axis < 0 ? axis + shape.length : axis))
      return shape.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1))
    }),
  }),
  Unsqueeze: row('Unsqueeze', {
    infer: (i) => {
      const axes = i.ints(1) ?? i.fail('constant axes')
      const shape = unsqueezedShape(i.shape(0), axes) ?? i.fail(`axes of the result, each once, not ${axes.join(', ')}`)
      return keepContent(i, i.like(shape))
    },
    grad: reshapeBack,
    fold: foldReshape((x, axes) => axes && (unsqueezedShape(x.shape, intsOf(axes)) as readonly number[] | null)),
  }),
  Transpose: row('Transpose', {
    infer: (i) => {
      const shape = i.shape(0)
      const perm = permOf(i.attrs.perm, shape.length)
      const sorted = [...perm].sort((a, b) => a - b)
      if (perm.length !== shape.length || sorted.some((axis, place) => axis !== place)) {
        i.fail(`a permutation of ${shape.length} axes, not [${perm.join(', ')}]`)
      }
      return [i.like(perm.map((axis) => shape[axis] as Dim))]
    },
    grad: (g) => {
      const perm = permOf(g.attrs.perm, firstOf(g).shape.length)
      return [g.b.op('Transpose', [firstOf(g)], { perm: perm.map((_, axis) => perm.indexOf(axis)) })]
    },
    fold: ([x], attrs) => {
      if (!x) return null
      const perm = permOf(attrs.perm, x.shape.length)
      const shape = perm.map((axis) => x.shape[axis] as number)
      return [rearrange(x, shape, (at) => x.shape.map((_, axis) => at[perm.indexOf(axis)] as number))]
    },
  }),
  Expand: row('Expand', {
    infer: (i) => [i.like(expandShape(i))],
    grad: (g) => [firstOf(g)],
    fold: ([x, target]) => {
      const shape = x && target && broadcastShapes([x.shape, intsOf(target)])
      if (!x || !shape || !isConcrete(shape) || sizeOf(shape) > FOLD_LIMIT) return null
      return [generate(x.dtype, shape, broadcastReader(x, shape))]
    },
  }),
  Tile: row('Tile', {
    infer: (i) => {
      const shape = i.shape(0)
      const repeats = i.dims(1)
      if (repeats === null) return [i.like(shape.map(() => UNKNOWN))]
      if (repeats.length !== shape.length) i.fail(`${shape.length} repeats`)
      return [i.like(shape.map((dim, axis) => multiplyDims([dim, repeats[axis] as Dim])))]
    },
    // Each axis apart into repeats and size, then summed over the repeats.
    grad: (g) => {
      const { b } = g
      const [x, repeats] = g.x as readonly [Value, Value]
      const column = (sizes: Value): Value => b.op('Unsqueeze', [sizes, b.ints([1])])
      const pairs = b.op('Concat', [column(repeats), column(b.op('Shape', [x]))], { axis: 1 })
      const apart = b.op('Reshape', [firstOf(g), b.op('Reshape', [pairs, b.ints([-1])])])
      const axes = x.shape.map((_, axis) => 2 * axis)
      return [reshapeLike(b, b.op('ReduceSum', [apart, b.ints(axes)], { keepdims: 0 }), x)]
    },
    fold: ([x, repeats]) => {
      if (!x || !repeats) return null
      const times = intsOf(repeats)
      const shape = x.shape.map((dim, axis) => dim * (times[axis] as number))
      if (sizeOf(shape) > FOLD_LIMIT || elementsOf(x).length === 0) return null
      return [rearrange(x, shape, (at) => at.map((place, axis) => place % (x.shape[axis] as number)))]
    },
  }),
  DepthToSpace: row('DepthToSpace', {
    infer: (i) => {
      const { blocksize, mode } = i.attrs
      if (!['DCR', 'CRD'].includes(mode)) i.fail(`mode DCR or CRD, not ${mode}`)
      const [n, c, h, w] = blockShape(i)
      const depth = divideDims(c, blocksize * blocksize)
      if (depth === null && typeof c === 'number') i.fail(`channels in groups of ${blocksize * blocksize}`)
      return [i.like([n, depth ?? UNKNOWN, multiplyDims([h, blocksize]), multiplyDims([w, blocksize])])]
    },
    grad: (g) => [depthBack(g.b, g.x[0] as Value, firstOf(g), g.attrs.blocksize, g.attrs.mode)],
  }),
  SpaceToDepth: row('SpaceToDepth', {
    infer: (i) => {
      const { blocksize } = i.attrs
      const [n, c, h, w] = blockShape(i)
      const rows = divideDims(h, blocksize)
      const columns = divideDims(w, blocksize)
      if ((rows === null && typeof h === 'number') || (columns === null && typeof w === 'number')) {
        i.fail(`height and width in blocks of ${blocksize}`)
      }
      return [i.like([n, multiplyDims([c, blocksize * blocksize]), rows ?? UNKNOWN, columns ?? UNKNOWN])]
    },
    grad: (g) => [g.b.op('DepthToSpace', [firstOf(g)], { blocksize: g.attrs.blocksize, mode: 'DCR' })],
  }),
} satisfies Partial<OpTable>
