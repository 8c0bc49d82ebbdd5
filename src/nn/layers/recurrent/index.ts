import type { LayerDef } from '../../types.ts'
import { gru } from './gru.ts'
import { lstm } from './lstm.ts'
import { simpleRNN } from './simple-rnn.ts'

export type { GRUConfig } from './gru.ts'
export type { LSTMConfig } from './lstm.ts'
export type { SimpleRNNConfig } from './simple-rnn.ts'

/** Layers that run a cell over the steps of a sequence. */
export const RECURRENT: readonly LayerDef[] = [simpleRNN, lstm, gru]
