import type { Value } from '../../../graph/index.ts'
import { Formula } from '../../../ops/math.ts'
import { applyActivation } from '../../activations/index.ts'
import type { Identifier } from '../../types.ts'
import { PENALTY_DEFAULTS, type RecurrentConfig, SEQUENCE_DEFAULTS } from './cell.ts'
import { isActivation } from './native.ts'
import { recurrentLayer } from './recurrent-layer.ts'

export interface GRUConfig extends RecurrentConfig {
  readonly recurrent_activation: Identifier
  readonly reset_after: boolean
  readonly seed: number | null
}

/**
 * Gated recurrent unit (Cho et al., 2014). Gates in the kernels: update z, reset r, candidate g.
 *
 *     h' = z·h + (1 - z)·g
 *
 * `reset_after` says whether r multiplies the state after the product with the kernel (then with a bias of its own)
 * or before it.
 */
export const gru = recurrentLayer<GRUConfig>(
  {
    className: 'GRU',
    defaults: {
      ...SEQUENCE_DEFAULTS,
      units: 1,
      activation: 'tanh',
      recurrent_activation: 'sigmoid',
      use_bias: true,
      kernel_initializer: 'glorot_uniform',
      recurrent_initializer: 'orthogonal',
      bias_initializer: 'zeros',
      ...PENALTY_DEFAULTS,
      reset_after: true,
      seed: null,
    },
    gates: 3,
    states: 1,
    separateBias: ({ reset_after }) => reset_after,
    native: ({ activation, recurrent_activation: gate, reset_after }) =>
      isActivation(activation, 'tanh') && isActivation(gate, 'sigmoid')
        ? { op: 'GRU', gates: [0, 1, 2], attrs: { linear_before_reset: reset_after ? 1 : 0 } }
        : null,
    step({ b, config, x, states, recurrent }) {
      const [h] = states as [Value]
      const m = new Formula(b, x.dtype)
      const gate = (value: Value): Value => applyActivation(b, config.recurrent_activation, value)
      const thirds = (value: Value): readonly Value[] => b.ops('Split', [value], { axis: 1, num_outputs: 3 }, 3)
      const [xz, xr, xg] = thirds(x) as [Value, Value, Value]
      const sums = config.reset_after
        ? thirds(recurrent.product(b, h, 0, 3))
        : b.ops('Split', [recurrent.product(b, h, 0, 2)], { axis: 1, num_outputs: 2 }, 2)
      const [hz, hr, hg] = sums as [Value, Value, Value | undefined]
      const z = gate(m.add(xz, hz))
      const r = gate(m.add(xr, hr))
      const past = hg ? m.mul(r, hg) : recurrent.product(b, m.mul(r, h), 2, 1)
      const candidate = applyActivation(b, config.activation, m.add(xg, past))
      return [m.add(m.mul(z, h), m.mul(m.sub(1, z), candidate))]
    },
  },
  { recurrent_activation: 'activation' },
)
