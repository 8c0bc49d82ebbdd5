import type {
  ActivityRegularizationConfig,
  AlphaDropoutConfig,
  DropoutConfig,
  GaussianDropoutConfig,
  GaussianNoiseConfig,
  SpatialDropout1DConfig,
  SpatialDropoutConfig,
} from '../../nn/layers/regularization/index.ts'
import { factory, type LayerFactory, type OptionalFactory } from './factory.ts'

export const regularization = {
  dropout: factory('Dropout') as LayerFactory<DropoutConfig, 'rate'>,
  spatialDropout1d: factory('SpatialDropout1D') as LayerFactory<SpatialDropout1DConfig, 'rate'>,
  spatialDropout2d: factory('SpatialDropout2D') as LayerFactory<SpatialDropoutConfig, 'rate'>,
  spatialDropout3d: factory('SpatialDropout3D') as LayerFactory<SpatialDropoutConfig, 'rate'>,
  gaussianDropout: factory('GaussianDropout') as LayerFactory<GaussianDropoutConfig, 'rate'>,
  gaussianNoise: factory('GaussianNoise') as LayerFactory<GaussianNoiseConfig, 'stddev'>,
  alphaDropout: factory('AlphaDropout') as LayerFactory<AlphaDropoutConfig, 'rate'>,
  activityRegularization: factory('ActivityRegularization') as OptionalFactory<ActivityRegularizationConfig>,
}
