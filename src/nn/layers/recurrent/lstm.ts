import type { Value } from '../../../graph/index.ts'
import { applyActivation } from '../../activations/index.ts'
import type { Identifier } from '../../types.ts'
import { PENALTY_DEFAULTS, type RecurrentConfig, SEQUENCE_DEFAULTS } from './cell.ts'
import { isActivation } from './native.ts'
import { recurrentLayer } from './recurrent-layer.ts'

export interface LSTMConfig extends RecurrentConfig {
  readonly recurrent_activation: Identifier
  readonly unit_forget_bias: boolean
  readonly seed: number | null
}

/**
 * Long short-term memory (Hochreiter & Schmidhuber, 1997). Gates in the kernels: input i, forget f, candidate g, output o.
 *
 *     c' = f·c + i·g,  h' = o·activation(c')
 */
export const lstm = recurrentLayer<LSTMConfig>(
  {
    className: 'LSTM',
    defaults: {
      ...SEQUENCE_DEFAULTS,
      units: 1,
      activation: 'tanh',
      recurrent_activation: 'sigmoid',
      use_bias: true,
      kernel_initializer: 'glorot_uniform',
      recurrent_initializer: 'orthogonal',
      bias_initializer: 'zeros',
      unit_forget_bias: true,
      ...PENALTY_DEFAULTS,
      seed: null,
    },
    gates: 4,
    states: 2,
    biasBlocks: ({ unit_forget_bias, bias_initializer: rest }) =>
      unit_forget_bias ? [rest, 'ones', rest, rest] : undefined,
    native: ({ activation, recurrent_activation: gate }) =>
      isActivation(activation, 'tanh') && isActivation(gate, 'sigmoid')
        ? { op: 'LSTM', gates: [0, 3, 1, 2], attrs: {} }
        : null,
    step({ b, config, x, states, recurrent }) {
      const [h, c] = states as [Value, Value]
      const gate = (value: Value): Value => applyActivation(b, config.recurrent_activation, value)
      const squash = (value: Value): Value => applyActivation(b, config.activation, value)
      const sums = b.op('Add', [x, recurrent.product(b, h, 0, 4)])
      const [i, f, g, o] = b.ops('Split', [sums], { axis: 1, num_outputs: 4 }, 4) as [Value, Value, Value, Value]
      const carry = b.op('Add', [b.op('Mul', [gate(f), c]), b.op('Mul', [gate(i), squash(g)])])
      return [b.op('Mul', [gate(o), squash(carry)]), carry]
    },
  },
  { recurrent_activation: 'activation' },
)
