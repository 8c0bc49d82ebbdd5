import type {
  CroppingConfig,
  FlattenConfig,
  ImageCroppingConfig,
  PermuteConfig,
  RepeatVectorConfig,
  ReshapeConfig,
  UpSampling1DConfig,
  UpSampling2DConfig,
  UpSamplingConfig,
  ZeroPaddingConfig,
} from '../../nn/layers/reshaping/index.ts'
import { factory, type LayerFactory, type OptionalFactory } from './factory.ts'

export const reshaping = {
  flatten: factory('Flatten') as OptionalFactory<FlattenConfig>,
  reshape: factory('Reshape') as LayerFactory<ReshapeConfig, 'targetShape'>,
  permute: factory('Permute') as LayerFactory<PermuteConfig, 'dims'>,
  repeatVector: factory('RepeatVector') as LayerFactory<RepeatVectorConfig, 'n'>,
  cropping1d: factory('Cropping1D') as OptionalFactory<CroppingConfig>,
  cropping2d: factory('Cropping2D') as OptionalFactory<ImageCroppingConfig>,
  cropping3d: factory('Cropping3D') as OptionalFactory<ImageCroppingConfig>,
  zeroPadding1d: factory('ZeroPadding1D') as OptionalFactory<ZeroPaddingConfig>,
  zeroPadding2d: factory('ZeroPadding2D') as OptionalFactory<ZeroPaddingConfig>,
  zeroPadding3d: factory('ZeroPadding3D') as OptionalFactory<ZeroPaddingConfig>,
  upSampling1d: factory('UpSampling1D') as OptionalFactory<UpSampling1DConfig>,
  upSampling2d: factory('UpSampling2D') as OptionalFactory<UpSampling2DConfig>,
  upSampling3d: factory('UpSampling3D') as OptionalFactory<UpSamplingConfig>,
}
