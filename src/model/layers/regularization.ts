import type { DropoutConfig } from '../../nn/layers/regularization/index.ts'
import { factory, type LayerFactory } from './factory.ts'

export const regularization = {
  dropout: factory('Dropout') as LayerFactory<DropoutConfig, 'rate'>,
}
