import type { Builder, Value } from '../../src/graph/index.ts'
import type { GradientCase } from './gradient-cases.ts'

const like = (value: Value, shape = value.shape) => ({ dtype: value.dtype, shape })

/** y = y·w + x·x for each slice x, with the products stacked up: a captured weight, a state, two sequences. */
function recurrence(b: Builder, [start, xs, weight]: readonly Value[], attrs: Record<string, readonly number[]> = {}) {
  const [state, sequence] = [start as Value, xs as Value]
  const axis = attrs.scan_input_axes?.[0] ?? 0
  const body = b.subgraph([like(state), like(sequence, sequence.shape.toSpliced(axis, 1))], (inner, [h, x]) => {
    const product = inner.op('Tanh', [inner.op('Mul', [h as Value, weight as Value])])
    const next = inner.op('Add', [product, inner.op('Mul', [x as Value, x as Value])])
    return [next, inner.op('Mul', [product, x as Value])]
  })
  return b.ops('Scan', [state, sequence], { body, num_scan_inputs: 1, ...attrs }, 2)
}

function loop(b: Builder, [start, weight, unused]: readonly Value[], rounds: number | null, until: number | null) {
  const state = start as Value
  const scalar = { dtype: 'int64', shape: [] } as const
  const body = b.subgraph([scalar, { dtype: 'bool', shape: [] }, like(state), like(unused as Value)], (inner, x) => {
    const [i, , h, other] = x as [Value, Value, Value, Value]
    const scaled = inner.op('Mul', [h, inner.op('Add', [weight as Value, inner.op('CastLike', [i, h])])])
    const next = inner.op('Sin', [scaled])
    const go =
      until === null ? inner.op('Identity', [x[1] as Value]) : inner.op('Less', [i, inner.scalar(until, 'int64')])
    return [go, next, inner.op('Identity', [other]), inner.op('Mul', [next, h])]
  })
  const most = rounds === null ? null : b.scalar(rounds, 'int64')
  const go = rounds === null ? b.scalar(true, 'bool') : null
  return b.ops('Loop', [most, go, state, unused as Value], { body }, 3)
}

function row(
  op: GradientCase['op'],
  name: string,
  shapes: GradientCase['shapes'],
  build: GradientCase['build'],
): GradientCase {
  return { op, name, shapes, build, options: { range: [-1, 1] } }
}

/** Gradients through subgraphs: captured weights, states, stacked outputs, both directions, other axes, nesting. */
export const CONTROL_FLOW_CASES: readonly GradientCase[] = [
  row('Scan', 'state, stack and captured weight', [[2], [4, 2], [2]], (b, x) => recurrence(b, x)),
  row('Scan', 'last state only', [[2], [4, 2], [2]], (b, x) => recurrence(b, x).slice(0, 1)),
  row('Scan', 'stack only', [[2], [4, 2], [1]], (b, x) => recurrence(b, x).slice(1)),
  ...[1, 2].map((uses) =>
    row(
      'Scan',
      `a captured matrix used ${uses} times`,
      [
        [3, 2],
        [4, 3, 2],
        [2, 2],
      ],
      (b, [start, xs, weight]) => {
        const body = b.subgraph([like(start as Value), like(start as Value)], (inner, [h, x]) => {
          const sum = inner.op('Add', [x as Value, inner.op('MatMul', [h as Value, weight as Value])])
          const again = uses === 1 ? sum : inner.op('MatMul', [sum, weight as Value])
          return [inner.op('Tanh', [again])]
        })
        return b.ops('Scan', [start as Value, xs as Value], { body, num_scan_inputs: 1 }, 1)
      },
    ),
  ),
  row('Scan', 'from the end', [[2], [4, 2], [2]], (b, x) => recurrence(b, x, { scan_input_directions: [1] })),
  row('Scan', 'stacked backwards along another axis', [[2], [2, 3], [2]], (b, x) =>
    recurrence(b, x, { scan_input_axes: [1], scan_output_axes: [-1], scan_output_directions: [1] }),
  ),
  row('Scan', 'a Scan in a Scan', [[2], [3, 2], [2]], (b, [start, xs, weight]) => {
    const body = b.subgraph([like(start as Value), like(xs as Value, [2])], (inner, [h, x]) => {
      const elements = inner.op('Mul', [x as Value, weight as Value])
      const sums = inner.subgraph([like(h as Value, []), like(h as Value, [])], (deep, [s, e]) => {
        const next = deep.op('Add', [s as Value, deep.op('Mul', [e as Value, e as Value])])
        return [next, deep.op('Sin', [next])]
      })
      const zero = inner.op('ReduceSum', [h as Value], { keepdims: 0 })
      const [total, parts] = inner.ops('Scan', [zero, elements], { body: sums, num_scan_inputs: 1 }, 2)
      return [inner.op('Tanh', [inner.op('Add', [h as Value, parts as Value])]), inner.op('Identity', [total as Value])]
    })
    return b.ops('Scan', [start as Value, xs as Value], { body, num_scan_inputs: 1 }, 2)
  }),
  row('Scan', 'two in a row sharing a weight', [[2], [3, 2], [2]], (b, [start, xs, weight]) => {
    const [, stacked] = recurrence(b, [start as Value, xs as Value, weight as Value])
    return recurrence(b, [start as Value, stacked as Value, weight as Value])
  }),
  row('Loop', 'a fixed number of rounds', [[2], [2], [1]], (b, x) => {
    const [state, , stacked] = loop(b, x, 3, null)
    return [state as Value, stacked as Value]
  }),
  row('Loop', 'until a condition fails', [[2], [], [1]], (b, x) => loop(b, x, null, 2).slice(0, 2)),
  row('Loop', 'at most some rounds', [[2], [2], [1]], (b, x) => loop(b, x, 5, 1).slice(0, 1)),
  ...[1, -1].map((sign) =>
    row('If', sign > 0 ? 'the first branch' : 'the second branch', [[2], [2]], (b, [x, y]) => {
      const [left, right] = [x as Value, y as Value]
      const condition = b.op('Greater', [b.scalar(sign, left.dtype), b.scalar(0, left.dtype)])
      const then_branch = b.subgraph([], (inner) => [inner.op('Mul', [left, right]), inner.op('Sin', [left])])
      const else_branch = b.subgraph([], (inner) => [inner.op('Exp', [right]), inner.op('Identity', [right])])
      return b.ops('If', [condition], { then_branch, else_branch }, 2)
    }),
  ),
  row('If', 'inside a Scan', [[1], [3, 1], [1]], (b, [start, xs, weight]) => {
    const body = b.subgraph([like(start as Value), like(xs as Value, [1])], (inner, [h, x]) => {
      const low = inner.op('Less', [x as Value, inner.scalar(0, (x as Value).dtype)])
      const then_branch = inner.subgraph([], (deep) => [deep.op('Mul', [h as Value, weight as Value])])
      const else_branch = inner.subgraph([], (deep) => [deep.op('Sin', [deep.op('Add', [h as Value, x as Value])])])
      const next = inner.op('If', [inner.op('Squeeze', [low])], { then_branch, else_branch })
      return [next]
    })
    return b.ops('Scan', [start as Value, xs as Value], { body, num_scan_inputs: 1 }, 1)
  }),
]
