import { type AttrsOf, type Builder, type GradContext, inline, type Type, type Value } from '../graph/index.ts'
import { isFloat, normalizeAxis } from '../tensor/index.ts'
import { hoistProducts } from './hoist-products.ts'
import { zerosLike } from './math.ts'
import { owned, stepGradient, withOutputs } from './step-gradient.ts'

/** A sequence that Scan cuts into slices or stacks up: along which axis, and whether from its end. */
interface Track {
  readonly axis: number
  readonly reversed: number
}

/** How Scan's inputs and outputs fall into states (first) and sequences. */
interface ScanPlan {
  readonly states: number
  readonly slices: readonly Track[]
  readonly stacks: readonly Track[]
}

/** Null where the numbers of inputs and outputs do not fit the body. */
export function scanPlan(attrs: AttrsOf<'Scan'>, inputs: number): ScanPlan | null {
  const { body, num_scan_inputs } = attrs
  const states = inputs - num_scan_inputs
  const stacked = body.outputs.length - states
  if (num_scan_inputs < 1 || states < 0 || stacked < 0 || body.inputs.length !== inputs) return null
  const tracks = (count: number, axes?: readonly number[], directions?: readonly number[]): readonly Track[] =>
    Array.from({ length: count }, (_, n) => ({ axis: axes?.[n] ?? 0, reversed: directions?.[n] ?? 0 }))
  return {
    states,
    slices: tracks(num_scan_inputs, attrs.scan_input_axes, attrs.scan_input_directions),
    stacks: tracks(stacked, attrs.scan_output_axes, attrs.scan_output_directions),
  }
}

const flip = ({ axis, reversed }: Track): Track => ({ axis, reversed: reversed ? 0 : 1 })
const FORWARD: Track = { axis: 0, reversed: 0 }

/**
 * A second Scan that runs the other way. It carries the gradients of the states and the sums of those of captured
 * values (or stacks up their factors); its slices are the outputs' gradients, the inputs, and what the forward Scan
 * now stacks up for it.
 */
export function scanGradient(g: GradContext<'Scan'>): readonly (Value | null)[] {
  const { b, attrs, captures } = g
  const { body } = attrs
  const plan = scanPlan(attrs, g.x.length) as ScanPlan
  const stateInputs = body.inputs.slice(0, plan.states)
  const carried = stateInputs.flatMap((value, n) => (isFloat(value.dtype) ? [n] : []))
  const stackedWithGradient = plan.stacks.flatMap((_, k) => (g.dy[plan.states + k] ? [k] : []))
  const wantedSlices = plan.slices.flatMap((_, j) => (g.need(plan.states + j) ? [j] : []))
  const wantedCaptures = captures.filter((_, n) => g.need(g.x.length + n))

  const step = stepGradient(
    g,
    body,
    [...carried, ...stackedWithGradient.map((k) => plan.states + k)],
    [
      ...carried.map((n) => body.inputs[n] as Value),
      ...wantedSlices.map((j) => body.inputs[plan.states + j] as Value),
      ...wantedCaptures,
    ],
  )

  const fixed = carried.length + wantedSlices.length
  const { graph, products, sums } = hoistProducts(step.graph, fixed)

  const sliceOf = (value: Value): number => body.inputs.indexOf(value) - plan.states
  const stash = step.kept.filter((value) => sliceOf(value) < 0)
  const stashed = keep(g, plan, stash)
  const sequences: readonly Sequence[] = [
    ...stackedWithGradient.map((k) => ({
      value: g.dy[plan.states + k] as Value,
      track: flip(plan.stacks[k] as Track),
    })),
    ...step.kept.map((value) => {
      const j = sliceOf(value)
      if (j >= 0) return { value: g.x[plan.states + j] as Value, track: flip(plan.slices[j] as Track) }
      return { value: stashed[stash.indexOf(value)] as Value, track: flip(FORWARD) }
    }),
  ]
  const states = [
    ...carried.map((n) => g.dy[n] ?? zerosLike(b, g.y[n] as Value)),
    ...sums.map((n) => zerosLike(b, wantedCaptures[n] as Value)),
  ]

  const backward = b.subgraph(
    [...states.map(typeOf), ...sequences.map(({ value, track }) => sliceType(value, track))],
    (inner, inputs) => {
      const before = inputs.slice(carried.length, states.length)
      const given = [...inputs.slice(0, carried.length), ...inputs.slice(states.length)]
      const { outputs } = inline(inner, graph, given)
      const shares = outputs.slice(fixed)
      return [
        ...outputs.slice(0, carried.length),
        ...before.map((sum, n) => inner.op('Add', [sum, shares[n] as Value])),
        ...outputs.slice(carried.length, fixed),
        ...shares.slice(before.length),
      ].map((value) => owned(inner, value))
    },
  )
  const results = [
    ...wantedSlices.map((j) => flip(plan.slices[j] as Track)),
    ...products.flatMap(() => [flip(FORWARD), flip(FORWARD)]),
  ]
  const gradients = b.ops(
    'Scan',
    [...states, ...sequences.map(({ value }) => value)],
    {
      body: backward,
      num_scan_inputs: sequences.length,
      scan_input_axes: sequences.map(({ track }) => track.axis),
      scan_input_directions: sequences.map(({ track }) => track.reversed),
      scan_output_axes: results.map(({ axis }) => axis),
      scan_output_directions: results.map(({ reversed }) => reversed),
    },
    backward.outputs.length,
  )
  const at = (place: number, start = 0): Value | null => (place < 0 ? null : (gradients[start + place] ?? null))
  const stacksFrom = states.length + wantedSlices.length
  const captured = (n: number): Value | null => {
    const place = products.indexOf(n)
    if (place < 0) return at(sums.indexOf(n), carried.length)
    const [left, right] = [2 * place, 2 * place + 1].map((k) => asMatrix(b, gradients[stacksFrom + k] as Value))
    return b.op('Gemm', [left as Value, right as Value], { transA: 1 })
  }
  return [
    ...stateInputs.map((_, n) => at(carried.indexOf(n))),
    ...plan.slices.map((_, j) => at(wantedSlices.indexOf(j), states.length)),
    ...captures.map((value) => captured(wantedCaptures.indexOf(value))),
  ]
}

interface Sequence {
  readonly value: Value
  readonly track: Track
}

/** The forward Scan stacks up these values of its body too. */
function keep(g: GradContext<'Scan'>, plan: ScanPlan, values: readonly Value[]): readonly Value[] {
  if (values.length === 0) return []
  const { attrs } = g
  const stacks = [...plan.stacks, ...values.map(() => FORWARD)]
  const wider = {
    ...attrs,
    body: withOutputs(g.b, attrs.body, values),
    scan_output_axes: stacks.map(({ axis }) => axis),
    scan_output_directions: stacks.map(({ reversed }) => reversed),
  }
  return g.extend(wider, values.length)
}

function typeOf({ dtype, shape }: Value): Type {
  return { dtype, shape }
}

function sliceType({ dtype, shape }: Value, { axis }: Track): Type {
  const cut = normalizeAxis(axis, shape.length)
  return { dtype, shape: shape.filter((_, n) => n !== cut) }
}

/** Stacked matrices [T, m, n] as one of T·m rows. */
function asMatrix(b: Builder, stack: Value): Value {
  return b.op('Flatten', [stack], { axis: 2 })
}
