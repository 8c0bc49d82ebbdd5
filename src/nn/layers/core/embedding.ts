import type { Value } from '../../../graph/index.ts'
import { cast } from '../../formula.ts'
import type { Identifier } from '../../types.ts'
import { defineLayer, requireInteger } from '../define.ts'
import { differs } from '../masks.ts'

export interface EmbeddingConfig {
  readonly input_dim: number
  readonly output_dim: number
  readonly embeddings_initializer: Identifier
  readonly embeddings_regularizer: Identifier
  readonly activity_regularizer: Identifier
  readonly embeddings_constraint: Identifier
  readonly mask_zero: boolean
}

/** A row of a table for each whole number: [...] to [..., output_dim]. With `mask_zero`, 0 marks steps that do not count. */
export const embedding = defineLayer<EmbeddingConfig>({
  className: 'Embedding',
  defaults: {
    input_dim: 1,
    output_dim: 1,
    embeddings_initializer: 'uniform',
    embeddings_regularizer: null,
    activity_regularizer: null,
    embeddings_constraint: null,
    mask_zero: false,
  },
  fields: {
    embeddings_initializer: 'initializer',
    embeddings_regularizer: 'regularizer',
    activity_regularizer: 'regularizer',
    embeddings_constraint: 'constraint',
  },
  required: ['input_dim', 'output_dim'],
  validate(config, where) {
    requireInteger(config.input_dim, 1, 'input_dim', where)
    requireInteger(config.output_dim, 1, 'output_dim', where)
  },
  weights: (c) => [
    {
      name: 'embeddings',
      shape: () => [c.input_dim, c.output_dim],
      initializer: c.embeddings_initializer,
      regularizer: c.embeddings_regularizer,
      constraint: c.embeddings_constraint,
      trainable: true,
    },
  ],
  call({ b, config, weight }, [input]) {
    const x = input as Value
    const numbers = x.dtype === 'int64' ? x : cast(b, x, 'int32')
    return {
      outputs: [b.op('Gather', [weight('embeddings'), numbers])],
      masks: [
        config.mask_zero ? differs(b, numbers, b.scalar(numbers.dtype === 'int64' ? 0n : 0, numbers.dtype)) : null,
      ],
    }
  },
})
