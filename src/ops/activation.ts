import type { AttrsOf, OpName, OpTable, Value } from '../graph/index.ts'
import { normalizeAxis } from '../tensor/index.ts'
import { broadcastShapes, joinShapes } from './dims.ts'
import { same } from './infer.ts'
import { Formula } from './math.ts'
import { each, firstOf, flat, type Inference, type OwnRow, row } from './row.ts'

type Rule<K extends OpName> = (m: Formula, dy: Value, x: Value, y: Value, attrs: AttrsOf<K>) => Value

function activation<K extends OpName>(rule: Rule<K>): OwnRow<K> {
  return {
    infer: same,
    grad: (g) => [rule(new Formula(g.b, firstOf(g).dtype), firstOf(g), g.x[0] as Value, g.y[0] as Value, g.attrs)],
  }
}

/**
 * 1 where x > 0, else 0: at 0 too, as TensorFlow's relu. A HardSigmoid so steep that every normal float saturates
 * it is several times faster than Greater and Cast; the engine has it for float32 only.
 */
function positive(m: Formula, x: Value): Value {
  if (m.dtype === 'float32') return m.b.op('HardSigmoid', [x], { alpha: 3e38, beta: 0 })
  return m.mask(m.greater(x, 0))
}

/** dy where y lies strictly between 0 and 1, else 0. */
function unsaturated(m: Formula, dy: Value, unit: Value): Value {
  const inside = m.b.op('And', [m.greater(unit, 0), m.less(unit, 1)])
  return m.where(inside, dy, 0)
}

const ROOT_HALF = Math.SQRT1_2
const ROOT_TWO_BY_PI = Math.sqrt(2 / Math.PI)

/** Φ(x) + x·φ(x) with the normal distribution's Φ and φ. */
function geluSlope(m: Formula, x: Value): Value {
  const cumulative = m.mul(m.add(m.b.op('Erf', [m.mul(x, ROOT_HALF)]), 1), 0.5)
  const density = m.mul(m.exp(m.mul(m.square(x), -0.5)), ROOT_TWO_BY_PI / 2)
  return m.add(cumulative, m.mul(x, density))
}

/** The derivative of x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))). */
function tanhGeluSlope(m: Formula, x: Value): Value {
  const squared = m.square(x)
  const inner = m.mul(m.mul(x, m.add(m.mul(squared, 0.044715), 1)), ROOT_TWO_BY_PI)
  const tanh = m.b.op('Tanh', [inner])
  const innerSlope = m.mul(m.add(m.mul(squared, 3 * 0.044715), 1), ROOT_TWO_BY_PI)
  const sech = m.sub(1, m.square(tanh))
  return m.mul(m.add(m.add(tanh, 1), m.mul(m.mul(x, sech), innerSlope)), 0.5)
}

/** x·sigmoid-like activations along an axis: the axis must be there. */
function alongAxis<K extends 'Softmax' | 'LogSoftmax' | 'Hardmax'>(i: Inference<K>) {
  i.axis(i.attrs.axis, i.shape(0).length)
  return same(i)
}

function sumAlong(m: Formula, x: Value, axis: number): Value {
  return m.sum(x, [normalizeAxis(axis, x.shape.length)])
}

export const ACTIVATION = {
  Relu: row(
    'Relu',
    activation((m, dy, _, y) => m.mul(dy, positive(m, y))),
  ),
  LeakyRelu: row(
    'LeakyRelu',
    activation((m, dy, x, _, { alpha }) => m.where(m.greater(x, 0), dy, m.mul(dy, alpha))),
  ),
  PRelu: row('PRelu', {
    infer: (i) => {
      const shape = i.shape(0)
      const joined = broadcastShapes(i.shapes())
      if (!joined || !joinShapes(joined, shape)) i.fail('a slope that broadcasts to the shape of x')
      return [i.like(shape)]
    },
    grad: (g) => {
      const m = new Formula(g.b, firstOf(g).dtype)
      const [x, slope] = g.x as readonly [Value, Value]
      const dy = firstOf(g)
      const above = m.greater(x, 0)
      return each(
        g,
        () => m.where(above, dy, m.mul(dy, slope)),
        () => m.where(above, 0, m.mul(dy, x)),
      )
    },
  }),
  // Below 0 the derivative is y + alpha.
  Elu: row(
    'Elu',
    activation((m, dy, x, y, { alpha }) => m.where(m.greater(x, 0), dy, m.mul(dy, m.add(y, alpha)))),
  ),
  // At 0 the slope is that of the positive side, as in TensorFlow.
  Selu: row(
    'Selu',
    activation((m, dy, x, y, { alpha, gamma }) => m.mul(dy, m.where(m.less(x, 0), m.add(y, gamma * alpha), gamma))),
  ),
  Celu: row(
    'Celu',
    activation((m, dy, x, _, { alpha }) => m.where(m.greater(x, 0), dy, m.mul(dy, m.exp(m.div(x, alpha))))),
  ),
  ThresholdedRelu: row(
    'ThresholdedRelu',
    activation((m, dy, x, _, { alpha }) => m.where(m.greater(x, alpha), dy, 0)),
  ),
  Sigmoid: row(
    'Sigmoid',
    activation((m, dy, _, y) => m.mul(dy, m.mul(y, m.sub(1, y)))),
  ),
  HardSigmoid: row(
    'HardSigmoid',
    activation((m, dy, _, y, { alpha }) => unsaturated(m, m.mul(dy, alpha), y)),
  ),
  // x·h(x) with h = HardSigmoid(1/6, 1/2).
  HardSwish: row(
    'HardSwish',
    activation((m, dy, x) => {
      const unit = m.b.op('HardSigmoid', [x], { alpha: 1 / 6, beta: 0.5 })
      return m.mul(dy, m.add(unit, unsaturated(m, m.div(x, 6), unit)))
    }),
  ),
  Softplus: row(
    'Softplus',
    activation((m, dy, x) => m.mul(dy, m.b.op('Sigmoid', [x]))),
  ),
  Softsign: row(
    'Softsign',
    activation((m, dy, x) => m.div(dy, m.square(m.add(m.abs(x), 1)))),
  ),
  // x·tanh(s) with s = softplus(x), whose derivative is the sigmoid.
  Mish: row(
    'Mish',
    activation((m, dy, x) => {
      const tanh = m.b.op('Tanh', [m.b.op('Softplus', [x])])
      const inner = m.mul(m.b.op('Sigmoid', [x]), m.sub(1, m.square(tanh)))
      return m.mul(dy, m.add(tanh, m.mul(x, inner)))
    }),
  ),
  Gelu: row(
    'Gelu',
    activation((m, dy, x, _, { approximate }) =>
      m.mul(dy, approximate === 'tanh' ? tanhGeluSlope(m, x) : geluSlope(m, x)),
    ),
  ),
  Softmax: row('Softmax', {
    ...activation<'Softmax'>((m, dy, _, y, { axis }) => {
      const weighted = m.mul(dy, y)
      return m.sub(weighted, m.mul(y, sumAlong(m, weighted, axis)))
    }),
    infer: alongAxis,
  }),
  LogSoftmax: row('LogSoftmax', {
    ...activation<'LogSoftmax'>((m, dy, _, y, { axis }) => m.sub(dy, m.mul(m.exp(y), sumAlong(m, dy, axis)))),
    infer: alongAxis,
  }),
  Hardmax: row('Hardmax', { infer: alongAxis, grad: flat }),
} satisfies Partial<OpTable>
