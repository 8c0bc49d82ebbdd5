import type { Value } from '../../../graph/index.ts'
import { applyActivation } from '../../activations/index.ts'
import { PENALTY_DEFAULTS, type RecurrentConfig, SEQUENCE_DEFAULTS } from './cell.ts'
import { isActivation } from './native.ts'
import { recurrentLayer } from './recurrent-layer.ts'

export type SimpleRNNConfig = RecurrentConfig

/** `h' = activation(x · kernel + h · recurrent_kernel + bias)`. */
export const simpleRNN = recurrentLayer<SimpleRNNConfig>({
  className: 'SimpleRNN',
  defaults: {
    ...SEQUENCE_DEFAULTS,
    units: 1,
    activation: 'tanh',
    use_bias: true,
    kernel_initializer: 'glorot_uniform',
    recurrent_initializer: 'orthogonal',
    bias_initializer: 'zeros',
    ...PENALTY_DEFAULTS,
  },
  gates: 1,
  states: 1,
  native: ({ activation }) =>
    isActivation(activation, 'tanh') ? { op: 'RNN', gates: [0], attrs: { activations: ['Tanh'] } } : null,
  step: ({ b, config, x, states, recurrent }) => [
    applyActivation(b, config.activation, b.op('Add', [x, recurrent.product(b, states[0] as Value, 0, 1)])),
  ],
})
