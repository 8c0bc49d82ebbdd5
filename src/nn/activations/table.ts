import { RekindleError } from '../../errors.ts'
import type { Builder, Dim, Value } from '../../graph/index.ts'
import { formatShape, normalizeAxis, Tensor } from '../../tensor/index.ts'
import { atLeastZero, cast, clip, Formula } from '../formula.ts'
import type { Row } from '../registry.ts'

/** One activation function. `defaults` are Keras's keyword arguments. */
export interface ActivationDef<C = object> extends Row<C> {
  readonly apply: (b: Builder, x: Value, config: C) => Value
}

const NONE = {}
type None = Record<never, never>

/** A function of x alone. */
function plain(className: string, apply: (b: Builder, x: Value, m: Formula) => Value, aliases: readonly string[] = []) {
  return row<None>({ className, aliases, defaults: NONE, apply: (b, x) => apply(b, x, new Formula(b, x.dtype)) })
}

function row<C>(def: ActivationDef<C>): ActivationDef<C> {
  return def
}

interface ReluConfig {
  readonly negative_slope: number
  readonly max_value: number | null
  readonly threshold: number
}

/** Keras's own case distinction, which decides about the gradient where pieces meet. */
function relu(b: Builder, x: Value, { negative_slope: slope, max_value: top, threshold }: ReluConfig): Value {
  const m = new Formula(b, x.dtype)
  if (slope !== 0 && top === null && threshold === 0) return b.op('LeakyRelu', [x], { alpha: slope })
  let y: Value
  if (threshold !== 0) y = m.where(m.greater(x, threshold), x, 0)
  else y = top === 6 ? relu6(b, x) : b.op('Relu', [x])
  if (top !== null && !(threshold === 0 && top === 6)) y = clip(b, y, 0, top)
  if (slope === 0) return y
  const below = b.op('Relu', [threshold === 0 ? m.neg(x) : m.sub(threshold, x)])
  return m.sub(y, m.mul(below, slope))
}

/** `min(max(x, 0), 6)` with no gradient at either bound, as TensorFlow's fused operator. */
function relu6(b: Builder, x: Value): Value {
  const m = new Formula(b, x.dtype)
  return m.where(b.op('GreaterOrEqual', [x, m.value(6)]), 6, b.op('Relu', [x]))
}

/** `x/2·(1 + erf(x/√2))`, or with tanh for `approximate`. */
function gelu(b: Builder, x: Value, { approximate }: { readonly approximate: boolean }): Value {
  return b.op('Gelu', [x], { approximate: approximate ? 'tanh' : 'none' })
}

interface AxisConfig {
  /** An axis, several of them taken as one, or null for all. */
  readonly axis: number | readonly number[] | null
}

/** One axis is a single operator (losses look for it); several are moved to the end and taken as one. */
function alongAxes(b: Builder, x: Value, { axis }: AxisConfig, op: 'Softmax' | 'LogSoftmax'): Value {
  if (typeof axis === 'number') return b.op(op, [x], { axis })
  const rank = x.shape.length
  const axes = axis === null ? x.shape.map((_, i) => i) : axis.map((one) => normalizeAxis(one, rank, op))
  const rest = x.shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const perm = [...rest, ...axes]
  const moved = b.op('Transpose', [x], { perm })
  const flat = b.op('Reshape', [moved, b.ints([...rest.map((i) => knownSize(x, i, op)), -1])])
  const y = b.op('Reshape', [b.op(op, [flat], { axis: -1 }), b.op('Shape', [moved])])
  return b.op('Transpose', [y], { perm: perm.map((_, i) => perm.indexOf(i)) })
}

function knownSize(x: Value, axis: number, where: string): number {
  const size = x.shape[axis] as Dim
  if (typeof size === 'number') return size
  if (axis === 0) return 0
  throw new RekindleError('E_INVALID_SHAPE', `${where} needs known sizes`, { received: formatShape(x.shape) })
}

/**
 * `max(x − τ, 0)` (Martins et al., 2016) as Keras 3 computes it: its τ adds up all the running sums over the support,
 * not the last alone, so that where more than one value is supported the result is not the paper's.
 */
function sparsemax(b: Builder, x: Value, { axis }: { readonly axis: number }): Value {
  const m = new Formula(b, x.dtype)
  const at = normalizeAxis(axis, x.shape.length, 'sparsemax')
  const size = x.shape[at]
  if (typeof size !== 'number') {
    throw new RekindleError('E_INVALID_SHAPE', 'sparsemax needs a known size', { received: formatShape(x.shape) })
  }
  const [sorted] = b.ops('TopK', [x, b.ints([size])], { axis: at }, 2) as readonly [Value]
  const sums = b.op('CumSum', [sorted, b.scalar(at, 'int64')])
  const ranks = Float32Array.from({ length: size }, (_, i) => i + 1)
  const alongAxis = x.shape.map((_, i) => (i === at ? size : 1))
  const rank = cast(b, b.constant(new Tensor('float32', alongAxis, ranks)), x.dtype)
  const supported = m.greater(m.sub(sorted, m.div(m.sub(sums, 1), rank)), 0)
  const total = m.sum(m.where(supported, sums, 0), [at])
  const tau = m.div(m.sub(total, 1), m.sum(m.mask(supported), [at]))
  return atLeastZero(b, m.sub(x, tau))
}

/** `a·sigmoid(b)` with x split in halves a and b. */
function glu(b: Builder, x: Value, { axis }: { readonly axis: number }): Value {
  const size = x.shape[normalizeAxis(axis, x.shape.length, 'glu')]
  if (typeof size !== 'number' || size % 2 !== 0) {
    throw new RekindleError('E_INVALID_SHAPE', 'glu splits its axis in halves', {
      expected: `an even size at axis ${axis}`,
      received: formatShape(x.shape),
    })
  }
  const [left, gate] = b.ops('Split', [x], { axis, num_outputs: 2 }, 2) as readonly [Value, Value]
  return b.op('Mul', [left, b.op('Sigmoid', [gate])])
}

/**
 * `max(x, 0) + α·(exp(min(x, 0)/α) − 1)`. Written with maximum and minimum because each of the two hands the whole
 * gradient on at exactly 0, so that Keras's derivative there is 2.
 */
function celu(b: Builder, x: Value, { alpha }: { readonly alpha: number }): Value {
  const m = new Formula(b, x.dtype)
  const below = b.op('Elu', [m.div(b.op('Min', [x, m.value(0)]), alpha)])
  return m.add(atLeastZero(b, x), m.mul(below, alpha))
}

/**
 * All activation functions of Keras 3.15 (`keras.activations`), and one of Keras 2.
 *
 * `className` is Keras's function name: activations have no classes. Where pieces meet, gradients are those of the
 * TensorFlow backend.
 */
export const ACTIVATIONS = {
  linear: plain('linear', (_, x) => x),
  relu: row<ReluConfig>({
    className: 'relu',
    defaults: { negative_slope: 0, max_value: null, threshold: 0 },
    apply: relu,
  }),
  leaky_relu: row<{ readonly negative_slope: number }>({
    className: 'leaky_relu',
    defaults: { negative_slope: 0.2 },
    apply: (b, x, c) => b.op('LeakyRelu', [x], { alpha: c.negative_slope }),
  }),
  relu6: plain('relu6', relu6),
  softmax: row<AxisConfig>({
    className: 'softmax',
    defaults: { axis: -1 },
    apply: (b, x, c) => alongAxes(b, x, c, 'Softmax'),
  }),
  log_softmax: row<AxisConfig>({
    className: 'log_softmax',
    defaults: { axis: -1 },
    apply: (b, x, c) => alongAxes(b, x, c, 'LogSoftmax'),
  }),
  sparsemax: row<{ readonly axis: number }>({ className: 'sparsemax', defaults: { axis: -1 }, apply: sparsemax }),
  elu: row<{ readonly alpha: number }>({
    className: 'elu',
    defaults: { alpha: 1 },
    apply: (b, x, c) => b.op('Elu', [x], { alpha: c.alpha }),
  }),
  celu: row<{ readonly alpha: number }>({ className: 'celu', defaults: { alpha: 1 }, apply: celu }),
  selu: plain('selu', (b, x) => b.op('Selu', [x])),
  gelu: row<{ readonly approximate: boolean }>({ className: 'gelu', defaults: { approximate: false }, apply: gelu }),
  silu: plain('silu', (b, x, m) => m.mul(x, b.op('Sigmoid', [x])), ['swish']),
  mish: plain('mish', (b, x) => b.op('Mish', [x])),
  glu: row<{ readonly axis: number }>({ className: 'glu', defaults: { axis: -1 }, apply: glu }),
  sigmoid: plain('sigmoid', (b, x) => b.op('Sigmoid', [x])),
  log_sigmoid: plain('log_sigmoid', (b, x, m) => m.neg(b.op('Softplus', [m.neg(x)]))),
  hard_sigmoid: plain('hard_sigmoid', (b, x) => b.op('HardSigmoid', [x], { alpha: 1 / 6, beta: 0.5 })),
  /** What Keras 1 and 2 call `hard_sigmoid`: `min(max(0.2·x + 0.5, 0), 1)`; its gradient passes at the bounds. */
  keras2_hard_sigmoid: plain('keras2_hard_sigmoid', (b, x, m) => clip(b, m.add(m.mul(x, 0.2), 0.5), 0, 1)),
  hard_silu: plain('hard_silu', (b, x) => b.op('HardSwish', [x]), ['hard_swish']),
  /** 0 under −1, (x + 1)/2, 1 over 1. */
  sparse_sigmoid: plain('sparse_sigmoid', (b, x) => b.op('HardSigmoid', [x], { alpha: 0.5, beta: 0.5 })),
  tanh: plain('tanh', (b, x) => b.op('Tanh', [x])),
  hard_tanh: plain('hard_tanh', (b, x) => clip(b, x, -1, 1)),
  tanh_shrink: plain('tanh_shrink', (b, x, m) => m.sub(x, b.op('Tanh', [x]))),
  hard_shrink: row<{ readonly threshold: number }>({
    className: 'hard_shrink',
    defaults: { threshold: 0.5 },
    apply(b, x, { threshold }) {
      const m = new Formula(b, x.dtype)
      return m.where(m.greater(m.abs(x), threshold), x, 0)
    },
  }),
  soft_shrink: row<{ readonly threshold: number }>({
    className: 'soft_shrink',
    defaults: { threshold: 0.5 },
    apply(b, x, { threshold }) {
      const m = new Formula(b, x.dtype)
      const below = m.where(m.less(x, -threshold), m.add(x, threshold), 0)
      return m.where(m.greater(x, threshold), m.sub(x, threshold), below)
    },
  }),
  /** `x` over the threshold, else `default_value`; Keras has no defaults for the two. */
  threshold: row<{ readonly threshold: number; readonly default_value: number }>({
    className: 'threshold',
    defaults: { threshold: 0, default_value: 0 },
    apply(b, x, c) {
      const m = new Formula(b, x.dtype)
      return m.where(m.greater(x, c.threshold), x, c.default_value)
    },
  }),
  softplus: plain('softplus', (b, x) => b.op('Softplus', [x])),
  softsign: plain('softsign', (b, x) => b.op('Softsign', [x])),
  /** 0 under −1, (x + 1)²/4, x from 1 on. */
  sparse_plus: plain('sparse_plus', (b, x, m) => {
    const middle = m.where(m.less(x, 1), m.mul(m.square(m.add(x, 1)), 0.25), x)
    return m.where(b.op('LessOrEqual', [x, m.value(-1)]), 0, middle)
  }),
  squareplus: row<{ readonly b: number }>({
    className: 'squareplus',
    defaults: { b: 4 },
    apply(b, x, config) {
      const m = new Formula(b, x.dtype)
      return m.div(m.add(x, m.sqrt(m.add(m.square(x), config.b))), 2)
    },
  }),
  exponential: plain('exponential', (_, x, m) => m.exp(x)),
}
