import { convolutional } from './convolutional.ts'
import { core } from './core.ts'
import { normalization } from './normalization.ts'
import { pooling } from './pooling.ts'
import { recurrent } from './recurrent.ts'
import { regularization } from './regularization.ts'
import { reshaping } from './reshaping.ts'

export type { CallableLayer, LayerOptions } from './factory.ts'

/** Keras's layers by their names in camelCase: `layers.dense({ units: 64, activation: 'relu' })`. */
export const layers = {
  ...core,
  ...reshaping,
  ...regularization,
  ...normalization,
  ...convolutional,
  ...pooling,
  ...recurrent,
}
