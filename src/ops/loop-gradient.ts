import { type GradContext, inline, type Value } from '../graph/index.ts'
import { isFloat } from '../tensor/index.ts'
import { zerosLike } from './math.ts'
import { owned, stepGradient, withOutputs } from './step-gradient.ts'

/**
 * A second Loop of as many rounds, however many the first one made. It carries the gradients of the states and the
 * sums of those of captured values, and picks what the forward Loop kept of round `last − i`.
 */
export function loopGradient(g: GradContext<'Loop'>): readonly (Value | null)[] {
  const { b, attrs, captures } = g
  const { body } = attrs
  const count = Math.max(0, g.x.length - 2)
  const carried = Array.from({ length: count }, (_, n) => n).filter((n) => isFloat((body.inputs[n + 2] as Value).dtype))
  const stacked = g.dy.flatMap((dy, n) => (n >= count && dy ? [n] : []))
  const wantedCaptures = captures.filter((_, n) => g.need(g.x.length + n))
  // The body's outputs are the condition, the states, the stacks; those of the node lack the condition.
  const step = stepGradient(
    g,
    body,
    [...carried, ...stacked].map((n) => n + 1),
    [...carried.map((n) => body.inputs[n + 2] as Value), ...wantedCaptures],
  )

  const [round, ...stashed] = keep(g, step.kept)
  const rounds = b.op('Size', [round as Value])
  const states = [
    ...carried.map((n) => g.dy[n] ?? zerosLike(b, g.y[n] as Value)),
    ...wantedCaptures.map((value) => zerosLike(b, value)),
  ]
  const types = states.map(({ dtype, shape }) => ({ dtype, shape }))
  const backward = b.subgraph(
    [{ dtype: 'int64', shape: [] }, { dtype: 'bool', shape: [] }, ...types],
    (inner, [i, condition, ...inputs]) => {
      const last = inner.op('Sub', [rounds, inner.scalar(1, 'int64')])
      const place = inner.op('Sub', [last, i as Value])
      const pick = (stack: Value): Value => inner.op('Gather', [stack, place])
      const given = [...stacked.map((n) => g.dy[n] as Value), ...stashed].map(pick)
      const { outputs } = inline(inner, step.graph, [...inputs.slice(0, carried.length), ...given])
      const sums = inputs.slice(carried.length)
      return [
        condition as Value,
        ...outputs.slice(0, carried.length),
        ...sums.map((sum, n) => inner.op('Add', [sum, outputs[carried.length + n] as Value])),
      ].map((value) => owned(inner, value))
    },
  )
  const gradients = b.ops('Loop', [rounds, null, ...states], { body: backward }, states.length)
  const at = (place: number, start = 0): Value | null => (place < 0 ? null : (gradients[start + place] ?? null))
  return [
    ...g.x.map((_, n) => at(carried.indexOf(n - 2))),
    ...captures.map((value) => at(wantedCaptures.indexOf(value), carried.length)),
  ]
}

/** The forward Loop stacks up these values of its body too, the number of the round first. */
function keep(g: GradContext<'Loop'>, values: readonly Value[]): readonly Value[] {
  const { body } = g.attrs
  const wider = { ...g.attrs, body: withOutputs(g.b, body, [body.inputs[0] as Value, ...values]) }
  return g.extend(wider, values.length + 1)
}
