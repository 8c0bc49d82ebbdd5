import type { BatchNormalizationConfig } from '../../nn/layers/normalization/index.ts'
import { factory, type OptionalFactory } from './factory.ts'

export const normalization = {
  batchNormalization: factory('BatchNormalization') as OptionalFactory<BatchNormalizationConfig>,
}
