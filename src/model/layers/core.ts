import type {
  ActivationConfig,
  DenseConfig,
  EinsumDenseConfig,
  EmbeddingConfig,
  IdentityConfig,
  MaskingConfig,
} from '../../nn/layers/core/index.ts'
import { createInputLayer, type InputOptions } from '../input.ts'
import type { Layer } from '../layer.ts'
import { factory, type LayerFactory, type OptionalFactory } from './factory.ts'

export const core = {
  /** The entrance of a Sequential; functional models begin with `input()`. */
  inputLayer: (options: InputOptions): Layer => createInputLayer(options),
  dense: factory('Dense') as LayerFactory<DenseConfig, 'units'>,
  activation: factory('Activation') as LayerFactory<ActivationConfig, 'activation'>,
  identity: factory('Identity') as OptionalFactory<IdentityConfig>,
  masking: factory('Masking') as OptionalFactory<MaskingConfig>,
  embedding: factory('Embedding') as LayerFactory<EmbeddingConfig, 'inputDim' | 'outputDim'>,
  einsumDense: factory('EinsumDense') as LayerFactory<EinsumDenseConfig, 'equation' | 'outputShape'>,
}
