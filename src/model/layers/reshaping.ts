import type { FlattenConfig, ReshapeConfig } from '../../nn/layers/reshaping/index.ts'
import { factory, type LayerFactory, type OptionalFactory } from './factory.ts'

export const reshaping = {
  flatten: factory('Flatten') as OptionalFactory<FlattenConfig>,
  reshape: factory('Reshape') as LayerFactory<ReshapeConfig, 'targetShape'>,
}
