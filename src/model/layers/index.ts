import { activation } from './activation.ts'
import { convolutional } from './convolutional.ts'
import { core } from './core.ts'
import { merging } from './merging.ts'
import { normalization } from './normalization.ts'
import { pooling } from './pooling.ts'
import { preprocessing } from './preprocessing.ts'
import { recurrent } from './recurrent.ts'
import { regularization } from './regularization.ts'
import { reshaping } from './reshaping.ts'

export type { CallableLayer, LayerOptions } from './factory.ts'

/** Keras's layers by their names in camelCase: `layers.dense({ units: 64, activation: 'relu' })`. */
export const layers = {
  ...core,
  ...activation,
  ...merging,
  ...preprocessing,
  ...reshaping,
  ...regularization,
  ...normalization,
  ...convolutional,
  ...pooling,
  ...recurrent,
}
