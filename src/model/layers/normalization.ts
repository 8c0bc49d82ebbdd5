import type {
  BatchNormalizationConfig,
  GroupNormalizationConfig,
  LayerNormalizationConfig,
  RMSNormalizationConfig,
  UnitNormalizationConfig,
} from '../../nn/layers/normalization/index.ts'
import { factory, type OptionalFactory } from './factory.ts'

export const normalization = {
  batchNormalization: factory('BatchNormalization') as OptionalFactory<BatchNormalizationConfig>,
  layerNormalization: factory('LayerNormalization') as OptionalFactory<LayerNormalizationConfig>,
  groupNormalization: factory('GroupNormalization') as OptionalFactory<GroupNormalizationConfig>,
  rmsNormalization: factory('RMSNormalization') as OptionalFactory<RMSNormalizationConfig>,
  unitNormalization: factory('UnitNormalization') as OptionalFactory<UnitNormalizationConfig>,
}
