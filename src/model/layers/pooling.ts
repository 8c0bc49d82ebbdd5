import type { AdaptivePoolingConfig, GlobalPoolingConfig, PoolingConfig } from '../../nn/layers/pooling/index.ts'
import { factory, type LayerFactory, type OptionalFactory } from './factory.ts'

type Pooling = OptionalFactory<PoolingConfig>
type GlobalPooling = OptionalFactory<GlobalPoolingConfig>
type AdaptivePooling = LayerFactory<AdaptivePoolingConfig, 'outputSize'>

export const pooling = {
  maxPooling1d: factory('MaxPooling1D') as Pooling,
  maxPooling2d: factory('MaxPooling2D') as Pooling,
  maxPooling3d: factory('MaxPooling3D') as Pooling,
  averagePooling1d: factory('AveragePooling1D') as Pooling,
  averagePooling2d: factory('AveragePooling2D') as Pooling,
  averagePooling3d: factory('AveragePooling3D') as Pooling,
  globalMaxPooling1d: factory('GlobalMaxPooling1D') as GlobalPooling,
  globalMaxPooling2d: factory('GlobalMaxPooling2D') as GlobalPooling,
  globalMaxPooling3d: factory('GlobalMaxPooling3D') as GlobalPooling,
  globalAveragePooling1d: factory('GlobalAveragePooling1D') as GlobalPooling,
  globalAveragePooling2d: factory('GlobalAveragePooling2D') as GlobalPooling,
  globalAveragePooling3d: factory('GlobalAveragePooling3D') as GlobalPooling,
  adaptiveMaxPooling1d: factory('AdaptiveMaxPooling1D') as AdaptivePooling,
  adaptiveMaxPooling2d: factory('AdaptiveMaxPooling2D') as AdaptivePooling,
  adaptiveMaxPooling3d: factory('AdaptiveMaxPooling3D') as AdaptivePooling,
  adaptiveAveragePooling1d: factory('AdaptiveAveragePooling1D') as AdaptivePooling,
  adaptiveAveragePooling2d: factory('AdaptiveAveragePooling2D') as AdaptivePooling,
  adaptiveAveragePooling3d: factory('AdaptiveAveragePooling3D') as AdaptivePooling,
}
