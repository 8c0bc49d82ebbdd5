import type { Builder, Dim, GradContext, OpTable, Value } from '../graph/index.ts'
import { broadcastShapes, joinDims, multiplyDims } from './dims.ts'
import { Formula, reshapeLike } from './math.ts'
import { each, firstOf, type Inference, noGradient, row } from './row.ts'

function inferMatMul(i: Inference<'MatMul'>): readonly Dim[] {
  const [a, b] = [i.shape(0), i.shape(1)]
  const inner = a.at(-1)
  const outer = b.length === 1 ? b[0] : b.at(-2)
  if (inner === undefined || outer === undefined) return i.fail('at least one axis on both sides')
  if (joinDims(inner, outer) === undefined) i.fail('equal inner sizes')
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)]) ?? i.fail('batch axes that broadcast')
  const rows = a.length > 1 ? [a.at(-2) as Dim] : []
  const columns = b.length > 1 ? [b.at(-1) as Dim] : []
  return [...batch, ...rows, ...columns]
}

/** Gradients of A·B: one Gemm with a transposed side where matrices are flat, batched products elsewhere. */
function matMulGradients(g: GradContext<'MatMul'>): readonly (Value | null)[] {
  const { b } = g
  const [left, right] = g.x as readonly [Value, Value]
  const dy = firstOf(g)
  if (right.shape.length === 2 && left.shape.length >= 2) {
    // Dense layers on sequences: all leading axes are rows of one matrix.
    const rows = (x: Value): Value => (x.shape.length === 2 ? x : asMatrix(b, x))
    return each(
      g,
      () => {
        const flat = b.op('Gemm', [rows(dy), right], { transB: 1 })
        return left.shape.length === 2 ? flat : reshapeLike(b, flat, left)
      },
      () => b.op('Gemm', [rows(left), rows(dy)], { transA: 1 }),
    )
  }
  // Vectors become matrices of one row or one column, as in the forward product.
  const a = left.shape.length === 1 ? b.op('Unsqueeze', [left, b.ints([0])]) : left
  const c = right.shape.length === 1 ? b.op('Unsqueeze', [right, b.ints([1])]) : right
  const missing = [...(left.shape.length === 1 ? [-2] : []), ...(right.shape.length === 1 ? [-1] : [])]
  const full = missing.length > 0 ? b.op('Unsqueeze', [dy, b.ints(missing)]) : dy
  const back = (x: Value, like: Value, axis: number): Value =>
    like.shape.length === 1 ? b.op('Squeeze', [x, b.ints([axis])]) : x
  return each(
    g,
    () => back(b.op('MatMul', [full, swapLast(b, c)]), left, -2),
    () => back(b.op('MatMul', [swapLast(b, a), full]), right, -1),
  )
}

function asMatrix(b: Builder, x: Value): Value {
  const columns = x.shape.at(-1) as Dim
  if (typeof columns === 'number') {
    const rows = multiplyDims(x.shape.slice(0, -1))
    return b.op('Reshape', [x, b.ints([typeof rows === 'number' ? rows : -1, columns])])
  }
  return b.op('Flatten', [x], { axis: x.shape.length - 1 })
}

function swapLast(b: Builder, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis)
  const [row, column] = axes.splice(-2) as [number, number]
  return b.op('Transpose', [x], { perm: [...axes, column, row] })
}

/** The labels of an einsum equation, one list per operand and one for the output. */
interface Equation {
  readonly operands: readonly string[]
  readonly output: string
}

function parseEquation(equation: string): Equation {
  const [left = '', right] = equation.replaceAll(/\s/g, '').split('->')
  const operands = left.split(',')
  if (right !== undefined) return { operands, output: right }
  const labels = [...left.replaceAll(/[,.]/g, '')]
  const once = labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label)).sort()
  return { operands, output: (left.includes('...') ? '...' : '') + once.join('') }
}

function inferEinsum(i: Inference<'Einsum'>): readonly Dim[] {
  const { operands, output } = parseEquation(i.attrs.equation)
  if (operands.length !== i.x.length) i.fail(`${operands.length} operands for ${i.attrs.equation}`)
  const sizes = new Map<string, Dim>()
  const ellipses: (readonly Dim[])[] = []
  for (const [n, term] of operands.entries()) {
    const shape = i.shape(n)
    const labels = [...term.replace('...', '')]
    const spare = shape.length - labels.length
    if (spare < 0 || (spare > 0 && !term.includes('...'))) i.fail(`operand ${n} with axes ${term}`)
    const start = term.includes('...') ? term.indexOf('...') : labels.length
    ellipses.push(shape.slice(start, start + spare))
    const named = [...shape.slice(0, start), ...shape.slice(start + spare)]
    for (const [axis, label] of labels.entries()) {
      const size = named[axis] as Dim
      const joined = broadcastShapes([[sizes.get(label) ?? size], [size]])
      sizes.set(label, joined?.[0] ?? i.fail(`one size for label ${label} in ${i.attrs.equation}`))
    }
  }
  const ellipsis = broadcastShapes(ellipses) ?? i.fail('ellipses that broadcast')
  const at = output.indexOf('...')
  const dimsOf = (labels: string): Dim[] =>
    [...labels].map((label) => sizes.get(label) ?? i.fail(`output labels from the operands in ${i.attrs.equation}`))
  if (at < 0) return dimsOf(output)
  return [...dimsOf(output.slice(0, at)), ...ellipsis, ...dimsOf(output.slice(at + 3))]
}

/**
 * The gradient of one operand is the einsum of the output's gradient with the other operands, back to its labels.
 * A label that only this operand has was summed away: its axis is repeated.
 */
function einsumGradient(g: GradContext<'Einsum'>, n: number): Value {
  const { b } = g
  const { operands, output } = parseEquation(g.attrs.equation)
  const target = operands[n] as string
  const others = operands.filter((_, i) => i !== n)
  const known = new Set([output, ...others].join(''))
  const repeated = new Set(target.replace('...', '')).size < target.replace('...', '').length
  const alone = [...target].some((label) => !known.has(label))
  if (repeated || (target.includes('...') && alone) || (output.includes('...') && !target.includes('...'))) {
    throw noGradient('Einsum', `no diagonals and no one-sided ellipses in ${g.attrs.equation}`)
  }
  const kept = [...target].filter((label) => label === '.' || known.has(label)).join('')
  const x = g.x[n] as Value
  const inputs = [firstOf(g), ...g.x.filter((_, i) => i !== n)]
  const share = b.op('Einsum', inputs, { equation: `${[output, ...others].join(',')}->${kept}` })
  if (kept === target) return share
  const lost = [...target].flatMap((label, axis) => (known.has(label) ? [] : [axis]))
  const m = new Formula(b, x.dtype)
  const ones = b.op('Expand', [m.value(1), b.op('Shape', [x])])
  return m.mul(b.op('Unsqueeze', [share, b.ints(lost)]), ones)
}

export const MATMUL = {
  MatMul: row('MatMul', { infer: (i) => [i.like(inferMatMul(i))], grad: matMulGradients }),
  Gemm: row('Gemm', {
    infer: (i) => {
      const { transA, transB } = i.attrs
      const [a, b] = [i.shape(0), i.shape(1)]
      if (a.length !== 2 || b.length !== 2) i.fail('two matrices')
      const [rows, inner] = (transA ? [a[1], a[0]] : a) as readonly [Dim, Dim]
      const [outer, columns] = (transB ? [b[1], b[0]] : b) as readonly [Dim, Dim]
      if (joinDims(inner, outer) === undefined) i.fail('equal inner sizes')
      const shape = [rows, columns]
      const bias = i.x[2]?.shape ?? []
      const fits = broadcastShapes([bias, shape])
      if (!fits || fits.length > 2 || fits.some((dim, axis) => joinDims(dim, shape[axis] as Dim) === undefined)) {
        i.fail(`a C that broadcasts to [${shape.join(', ')}]`)
      }
      return [i.like(shape)]
    },
    // Y = alpha·A'·B' + beta·C, A' and B' maybe transposed.
    grad: (g) => {
      const { b, attrs } = g
      const { alpha, beta, transA, transB } = attrs
      const [left, right] = g.x as readonly [Value, Value]
      const dy = firstOf(g)
      const flip = (bit: number): number => (bit ? 0 : 1)
      return each(
        g,
        () =>
          transA
            ? b.op('Gemm', [right, dy], { alpha, transA: transB, transB: 1 })
            : b.op('Gemm', [dy, right], { alpha, transB: flip(transB) }),
        () =>
          transB
            ? b.op('Gemm', [dy, left], { alpha, transA: 1, transB: transA })
            : b.op('Gemm', [left, dy], { alpha, transA: flip(transA) }),
        () => (beta === 1 ? dy : new Formula(b, dy.dtype).mul(dy, beta)),
      )
    },
  }),
  Einsum: row('Einsum', {
    infer: (i) => [i.like(inferEinsum(i))],
    grad: (g) => g.x.map((_, n) => (g.need(n) ? einsumGradient(g, n) : null)),
  }),
} satisfies Partial<OpTable>
