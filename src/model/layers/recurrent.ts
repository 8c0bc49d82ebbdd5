import type { GRUConfig, LSTMConfig, SimpleRNNConfig } from '../../nn/layers/recurrent/index.ts'
import { factory, type LayerFactory } from './factory.ts'

export const recurrent = {
  simpleRNN: factory('SimpleRNN') as LayerFactory<SimpleRNNConfig, 'units'>,
  lstm: factory('LSTM') as LayerFactory<LSTMConfig, 'units'>,
  gru: factory('GRU') as LayerFactory<GRUConfig, 'units'>,
}
