import { RekindleError } from '../../../errors.ts'
import { type Builder, concreteShape, type Value } from '../../../graph/index.ts'
import { DTYPES, normalizeAxis } from '../../../tensor/index.ts'
import type { Identifier, WeightSpec } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { knownDimension } from '../shapes.ts'

const BOOL = DTYPES.bool.onnx
const FLOAT32 = DTYPES.float32.onnx

export interface BatchNormalizationConfig {
  readonly axis: number | readonly number[]
  readonly momentum: number
  readonly epsilon: number
  readonly center: boolean
  readonly scale: boolean
  readonly beta_initializer: Identifier
  readonly gamma_initializer: Identifier
  readonly moving_mean_initializer: Identifier
  readonly moving_variance_initializer: Identifier
  readonly beta_regularizer: Identifier
  readonly gamma_regularizer: Identifier
  readonly beta_constraint: Identifier
  readonly gamma_constraint: Identifier
  readonly synchronized: boolean
}

/**
 * Normalises each channel by the batch's mean and variance in training, by the moving ones otherwise.
 * moving = moving · momentum + batch · (1 - momentum), with the biased variance (Keras 3). A frozen layer uses the
 * moving values in training too. Masked steps do not count.
 */
export const batchNormalization = defineLayer<BatchNormalizationConfig>({
  className: 'BatchNormalization',
  defaults: {
    axis: -1,
    momentum: 0.99,
    epsilon: 1e-3,
    center: true,
    scale: true,
    beta_initializer: 'zeros',
    gamma_initializer: 'ones',
    moving_mean_initializer: 'zeros',
    moving_variance_initializer: 'ones',
    beta_regularizer: null,
    gamma_regularizer: null,
    beta_constraint: null,
    gamma_constraint: null,
    synchronized: false,
  },
  fields: {
    beta_initializer: 'initializer',
    gamma_initializer: 'initializer',
    moving_mean_initializer: 'initializer',
    moving_variance_initializer: 'initializer',
    beta_regularizer: 'regularizer',
    gamma_regularizer: 'regularizer',
    beta_constraint: 'constraint',
    gamma_constraint: 'constraint',
  },
  supportsMasking: true,
  validate(config, where) {
    if ((config as { renorm?: boolean }).renorm) {
      throw new RekindleError('E_UNSUPPORTED_OPTION', 'batch renormalization cannot be run', { where })
    }
  },
  weights(c) {
    const shape: WeightSpec['shape'] = ([x]) => [knownDimension(x, axisOf(c.axis), 'BatchNormalization')]
    const specs: WeightSpec[] = []
    if (c.scale) {
      const { gamma_initializer: initializer, gamma_regularizer: regularizer, gamma_constraint: constraint } = c
      specs.push({ name: 'gamma', shape, initializer, regularizer, constraint, trainable: true })
    }
    if (c.center) {
      const { beta_initializer: initializer, beta_regularizer: regularizer, beta_constraint: constraint } = c
      specs.push({ name: 'beta', shape, initializer, regularizer, constraint, trainable: true })
    }
    specs.push({ name: 'moving_mean', shape, initializer: c.moving_mean_initializer, trainable: false })
    specs.push({ name: 'moving_variance', shape, initializer: c.moving_variance_initializer, trainable: false })
    return specs
  },
  call({ b, config, weight, training, trainable, name }, [input], { masks }) {
    const x = input as Value
    const rank = x.shape.length
    const channel = normalizeAxis(axisOf(config.axis), rank, name)
    const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== channel)
    const broadcast = Array.from({ length: rank }, (_, i) => (i === channel ? -1 : 1))
    const spread = (value: Value): Value => (channel === rank - 1 ? value : b.op('Reshape', [value, b.ints(broadcast)]))

    const movingMean = weight('moving_mean')
    const movingVariance = weight('moving_variance')
    let mean = movingMean
    let variance = movingVariance
    const updates: { weight: string; value: Value }[] = []
    if (training && trainable) {
      ;[mean, variance] = moments(b, x, others, masks[0] ?? null, spread)
      const mix = (moving: Value, batch: Value): Value =>
        b.op('Add', [
          b.op('Mul', [moving, b.scalar(config.momentum)]),
          b.op('Mul', [batch, b.scalar(1 - config.momentum)]),
        ])
      updates.push({ weight: 'moving_mean', value: mix(movingMean, mean) })
      updates.push({ weight: 'moving_variance', value: mix(movingVariance, variance) })
    }
    let scale = b.op('Reciprocal', [b.op('Sqrt', [b.op('Add', [variance, b.scalar(config.epsilon)])])])
    if (config.scale) scale = b.op('Mul', [scale, weight('gamma')])
    const negativeShift = b.op('Mul', [mean, scale])
    const shift = config.center ? b.op('Sub', [weight('beta'), negativeShift]) : b.op('Neg', [negativeShift])
    return { outputs: [b.op('Add', [b.op('Mul', [x, spread(scale)]), spread(shift)])], updates }
  },
})

function axisOf(axis: number | readonly number[]): number {
  return typeof axis === 'number' ? axis : (axis[0] ?? -1)
}

/** Mean and biased variance over `axes`; with a mask, over the steps that it lets through. */
function moments(
  b: Builder,
  x: Value,
  axes: readonly number[],
  mask: Value | null,
  spread: (value: Value) => Value,
): [mean: Value, variance: Value] {
  const over = b.ints(axes)
  if (!mask) {
    const mean = b.op('ReduceMean', [x, over], { keepdims: 0 })
    const centered = b.op('Sub', [x, spread(mean)])
    return [mean, b.op('ReduceMean', [b.op('Mul', [centered, centered]), over], { keepdims: 0 })]
  }
  const flags = b.op('Unsqueeze', [b.op('Cast', [mask], { to: BOOL }), b.ints([-1])])
  const counted = b.op('Expand', [flags, b.ints(concreteShape(x.shape, 'BatchNormalization'))])
  const only = (value: Value): Value => b.op('Where', [counted, value, b.scalar(0)])
  const sum = (value: Value): Value => b.op('ReduceSum', [value, over], { keepdims: 0 })
  // Keras adds its own epsilon to the number of steps that count.
  const count = b.op('Add', [sum(b.op('Cast', [counted], { to: FLOAT32 })), b.scalar(1e-7)])
  const mean = b.op('Div', [sum(only(x)), count])
  const centered = only(b.op('Sub', [x, spread(mean)]))
  return [mean, b.op('Div', [sum(b.op('Mul', [centered, centered])), count])]
}
