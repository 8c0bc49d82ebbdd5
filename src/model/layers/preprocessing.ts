import type { RescalingConfig } from '../../nn/layers/preprocessing/index.ts'
import { factory, type LayerFactory } from './factory.ts'

export const preprocessing = {
  rescaling: factory('Rescaling') as LayerFactory<RescalingConfig, 'scale'>,
}
