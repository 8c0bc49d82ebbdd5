import type { Value } from '../../../graph/index.ts'
import { Formula } from '../../formula.ts'
import type { Identifier } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { knownDimension } from '../shapes.ts'

export interface PReLUConfig {
  readonly alpha_initializer: Identifier
  readonly alpha_regularizer: Identifier
  readonly alpha_constraint: Identifier
  /** Axes along which one alpha serves all places, counted with the batch. */
  readonly shared_axes: number | readonly number[] | null
}

/** `max(x, 0) - alpha · max(-x, 0)` with a trained alpha for each place. */
export const prelu = defineLayer<PReLUConfig>({
  className: 'PReLU',
  defaults: { alpha_initializer: 'Zeros', alpha_regularizer: null, alpha_constraint: null, shared_axes: null },
  fields: { alpha_initializer: 'initializer', alpha_regularizer: 'regularizer', alpha_constraint: 'constraint' },
  supportsMasking: true,
  normalize: (c) => (typeof c.shared_axes === 'number' ? { ...c, shared_axes: [c.shared_axes] } : c),
  weights: (c) => [
    {
      name: 'alpha',
      shape: ([x]) => {
        const shared = (c.shared_axes as readonly number[] | null) ?? []
        return (x?.shape ?? []).slice(1).map((_, i) => (shared.includes(i + 1) ? 1 : knownDimension(x, i + 1, 'PReLU')))
      },
      initializer: c.alpha_initializer,
      regularizer: c.alpha_regularizer,
      constraint: c.alpha_constraint,
      trainable: true,
    },
  ],
  call({ b, weight }, [input]) {
    const x = input as Value
    const m = new Formula(b, x.dtype)
    const negative = m.mul(weight('alpha'), b.op('Relu', [m.neg(x)]))
    return { outputs: [m.sub(b.op('Relu', [x]), negative)] }
  },
})
