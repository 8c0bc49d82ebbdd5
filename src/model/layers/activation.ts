import type {
  ELUConfig,
  LeakyReLUConfig,
  PReLUConfig,
  ReLUConfig,
  SoftmaxConfig,
} from '../../nn/layers/activation/index.ts'
import { factory, type OptionalFactory } from './factory.ts'

export const activation = {
  reLU: factory('ReLU') as OptionalFactory<ReLUConfig>,
  leakyReLU: factory('LeakyReLU') as OptionalFactory<LeakyReLUConfig>,
  elu: factory('ELU') as OptionalFactory<ELUConfig>,
  prelu: factory('PReLU') as OptionalFactory<PReLUConfig>,
  softmax: factory('Softmax') as OptionalFactory<SoftmaxConfig>,
}
