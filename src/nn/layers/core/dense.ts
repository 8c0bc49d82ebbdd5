import type { Builder, Value } from '../../../graph/index.ts'
import { applyActivation } from '../../activations/index.ts'
import type { Identifier } from '../../types.ts'
import { defineLayer, requireInteger } from '../define.ts'
import { lastDimension } from '../shapes.ts'

export interface DenseConfig {
  readonly units: number
  readonly activation: Identifier
  readonly use_bias: boolean
  readonly kernel_initializer: Identifier
  readonly bias_initializer: Identifier
  readonly kernel_regularizer: Identifier
  readonly bias_regularizer: Identifier
  readonly activity_regularizer: Identifier
  readonly kernel_constraint: Identifier
  readonly bias_constraint: Identifier
}

/** `activation(x · kernel + bias)` over the last axis: [..., in] to [..., units]. */
export const dense = defineLayer<DenseConfig>({
  className: 'Dense',
  defaults: {
    units: 1,
    activation: 'linear',
    use_bias: true,
    kernel_initializer: 'glorot_uniform',
    bias_initializer: 'zeros',
    kernel_regularizer: null,
    bias_regularizer: null,
    activity_regularizer: null,
    kernel_constraint: null,
    bias_constraint: null,
  },
  fields: {
    activation: 'activation',
    kernel_initializer: 'initializer',
    bias_initializer: 'initializer',
    kernel_regularizer: 'regularizer',
    bias_regularizer: 'regularizer',
    activity_regularizer: 'regularizer',
    kernel_constraint: 'constraint',
    bias_constraint: 'constraint',
  },
  required: ['units'],
  supportsMasking: true,
  validate: (config, where) => requireInteger(config.units, 1, 'units', where),
  weights: (c) => [
    {
      name: 'kernel',
      shape: ([x]) => [lastDimension(x, 'Dense'), c.units],
      initializer: c.kernel_initializer,
      regularizer: c.kernel_regularizer,
      constraint: c.kernel_constraint,
      trainable: true,
    },
    ...(c.use_bias
      ? [
          {
            name: 'bias',
            shape: () => [c.units],
            initializer: c.bias_initializer,
            regularizer: c.bias_regularizer,
            constraint: c.bias_constraint,
            trainable: true,
          },
        ]
      : []),
  ],
  call({ b, config, weight }, [x]) {
    const bias = config.use_bias ? weight('bias') : null
    const y = affine(b, x as Value, weight('kernel'), bias)
    return { outputs: [applyActivation(b, config.activation, y)] }
  },
})

/** Rank 2 takes one Gemm (bias included); other ranks a MatMul over the last axis. */
function affine(b: Builder, x: Value, kernel: Value, bias: Value | null): Value {
  if (x.shape.length === 2) return b.op('Gemm', [x, kernel, bias])
  const product = b.op('MatMul', [x, kernel])
  return bias ? b.op('Add', [product, bias]) : product
}
