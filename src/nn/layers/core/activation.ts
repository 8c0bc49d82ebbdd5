import type { Value } from '../../../graph/index.ts'
import { applyActivation } from '../../activations/index.ts'
import type { Identifier } from '../../types.ts'
import { defineLayer } from '../define.ts'

export interface ActivationConfig {
  readonly activation: Identifier
}

/** An activation function as a layer of its own. */
export const activation = defineLayer<ActivationConfig>({
  className: 'Activation',
  defaults: { activation: 'linear' },
  fields: { activation: 'activation' },
  required: ['activation'],
  supportsMasking: true,
  call: ({ b, config }, [x]) => ({ outputs: [applyActivation(b, config.activation, x as Value)] }),
})
