import type { Builder, Value } from '../graph/index.ts'
import { normalizeAxis } from '../tensor/index.ts'
import { clip, Formula } from './formula.ts'
import { createRegistry, factory, type Row } from './registry.ts'
import type { Identifier, JsonObject } from './types.ts'

/** What a weight is made to satisfy after each step. */
export interface ConstraintDef<C = object> extends Row<C> {
  readonly apply: (b: Builder, weight: Value, config: C) => Value
}

type None = Record<never, never>
/** Axes over which one norm is taken: 0 for the weights into each unit of a dense layer. */
type Axes = number | readonly number[]

const row = <C>(def: ConstraintDef<C>): ConstraintDef<C> => def

/** Keras's `epsilon()`, which keeps a zero weight from being divided by its norm. */
const EPSILON = 1e-7

/** The weight scaled so that its norms become `desired(norms)`. */
function rescale(b: Builder, weight: Value, axis: Axes, desired: (m: Formula, norms: Value) => Value): Value {
  const m = new Formula(b, weight.dtype)
  const axes = (typeof axis === 'number' ? [axis] : axis).map((one) => normalizeAxis(one, weight.shape.length))
  const norms = m.sqrt(m.sum(m.square(weight), axes))
  return m.mul(weight, m.div(desired(m, norms), m.add(norms, EPSILON)))
}

const CONSTRAINTS = {
  maxNorm: row<{ readonly max_value: number; readonly axis: Axes }>({
    className: 'MaxNorm',
    defaults: { max_value: 2, axis: 0 },
    apply: (b, w, c) => rescale(b, w, c.axis, (_, norms) => clip(b, norms, 0, c.max_value)),
  }),
  nonNeg: row<None>({ className: 'NonNeg', defaults: {}, apply: (b, w) => b.op('Relu', [w]) }),
  unitNorm: row<{ readonly axis: Axes }>({
    className: 'UnitNorm',
    defaults: { axis: 0 },
    apply: (b, w, c) => rescale(b, w, c.axis, (m) => m.value(1)),
  }),
  minMaxNorm: row<{
    readonly min_value: number
    readonly max_value: number
    readonly rate: number
    readonly axis: Axes
  }>({
    className: 'MinMaxNorm',
    defaults: { min_value: 0, max_value: 1, rate: 1, axis: 0 },
    apply: (b, w, c) =>
      rescale(b, w, c.axis, (m, norms) =>
        m.add(m.mul(clip(b, norms, c.min_value, c.max_value), c.rate), m.mul(norms, 1 - c.rate)),
      ),
  }),
}

export const constraintRegistry = createRegistry<ConstraintDef<JsonObject>>(
  { kind: 'constraint', module: 'keras.constraints' },
  Object.values(CONSTRAINTS),
)

/** The weight as its constraint wants it. */
export function applyConstraint(b: Builder, identifier: Exclude<Identifier, null>, weight: Value): Value {
  const { def, config } = constraintRegistry.resolve(identifier)
  return def.apply(b, weight, config)
}

/** `constraints.maxNorm({ maxValue: 2 })`. */
export const constraints = {
  maxNorm: factory(CONSTRAINTS.maxNorm),
  nonNeg: factory(CONSTRAINTS.nonNeg),
  unitNorm: factory(CONSTRAINTS.unitNorm),
  minMaxNorm: factory(CONSTRAINTS.minMaxNorm),
}
