import type { ConcatenateConfig, DotConfig, MergingConfig } from '../../nn/layers/merging/index.ts'
import { factory, type LayerFactory, type OptionalFactory } from './factory.ts'

type Merging = OptionalFactory<MergingConfig>

/** Called on a list: `layers.add()([a, b])`. */
export const merging = {
  add: factory('Add') as Merging,
  subtract: factory('Subtract') as Merging,
  multiply: factory('Multiply') as Merging,
  average: factory('Average') as Merging,
  maximum: factory('Maximum') as Merging,
  minimum: factory('Minimum') as Merging,
  concatenate: factory('Concatenate') as OptionalFactory<ConcatenateConfig>,
  dot: factory('Dot') as LayerFactory<DotConfig, 'axes'>,
}
