import type { Builder, Value } from '../../../graph/index.ts'
import type { ConfigField, Identifier, WeightSpec } from '../../types.ts'
import { lastDimension } from '../shapes.ts'
import type { NativeCell } from './native.ts'
import type { RecurrentKernel } from './recurrent-kernel.ts'

/** What the recurrent layers' configs share. */
export interface RecurrentConfig {
  readonly return_sequences: boolean
  readonly return_state: boolean
  readonly go_backwards: boolean
  readonly stateful: boolean
  readonly unroll: boolean
  readonly zero_output_for_mask: boolean
  readonly units: number
  readonly activation: Identifier
  readonly use_bias: boolean
  readonly kernel_initializer: Identifier
  readonly recurrent_initializer: Identifier
  readonly bias_initializer: Identifier
  readonly kernel_regularizer: Identifier
  readonly recurrent_regularizer: Identifier
  readonly bias_regularizer: Identifier
  readonly activity_regularizer: Identifier
  readonly kernel_constraint: Identifier
  readonly recurrent_constraint: Identifier
  readonly bias_constraint: Identifier
  readonly dropout: number
  readonly recurrent_dropout: number
}

/** One step as a cell sees it, inside the loop. */
export interface Step<C> {
  readonly b: Builder
  readonly config: C
  /** The step's input through the kernel, input bias added: `[batch, gates · units]`. */
  readonly x: Value
  /** What the step before left, each `[batch, units]`; the first is the output. */
  readonly states: readonly Value[]
  readonly recurrent: RecurrentKernel
}

/** The arithmetic of one recurrent layer class: all that LSTM, GRU and SimpleRNN do not share. */
export interface Cell<C extends RecurrentConfig> {
  readonly className: string
  readonly defaults: C
  /** Blocks of `units` columns that stand side by side in the kernels. */
  readonly gates: number
  readonly states: number
  /** The bias has a second row, for the recurrent product. */
  readonly separateBias?: (config: C) => boolean
  /** Initializers of the bias's blocks, where they are not all `bias_initializer`. */
  readonly biasBlocks?: (config: C) => readonly Identifier[] | undefined
  /** ONNX's operator for this config; null where it has none. */
  readonly native: (config: C) => NativeCell | null
  /** The states after the step. */
  readonly step: (step: Step<C>) => readonly Value[]
}

/** The part of the config that comes before a cell's own keys, in Keras's order. */
export const SEQUENCE_DEFAULTS = {
  return_sequences: false,
  return_state: false,
  go_backwards: false,
  stateful: false,
  unroll: false,
  zero_output_for_mask: false,
} as const

/** Keys after the initializers, in Keras's order. */
export const PENALTY_DEFAULTS = {
  kernel_regularizer: null,
  recurrent_regularizer: null,
  bias_regularizer: null,
  activity_regularizer: null,
  kernel_constraint: null,
  recurrent_constraint: null,
  bias_constraint: null,
  dropout: 0,
  recurrent_dropout: 0,
} as const

export const RECURRENT_FIELDS = {
  activation: 'activation',
  kernel_initializer: 'initializer',
  recurrent_initializer: 'initializer',
  bias_initializer: 'initializer',
  kernel_regularizer: 'regularizer',
  recurrent_regularizer: 'regularizer',
  bias_regularizer: 'regularizer',
  activity_regularizer: 'regularizer',
  kernel_constraint: 'constraint',
  recurrent_constraint: 'constraint',
  bias_constraint: 'constraint',
} as const satisfies { readonly [K in keyof RecurrentConfig]?: ConfigField }

/** Keras keeps the weights of a recurrent layer with its cell. */
export function cellWeights<C extends RecurrentConfig>(cell: Cell<C>, config: C): readonly WeightSpec[] {
  const { units } = config
  const columns = cell.gates * units
  const blocks = cell.biasBlocks?.(config)
  return [
    {
      name: 'kernel',
      path: 'cell',
      shape: ([x]) => [lastDimension(x, cell.className), columns],
      initializer: config.kernel_initializer,
      regularizer: config.kernel_regularizer,
      constraint: config.kernel_constraint,
      trainable: true,
    },
    {
      name: 'recurrent_kernel',
      path: 'cell',
      shape: () => [units, columns],
      initializer: config.recurrent_initializer,
      regularizer: config.recurrent_regularizer,
      constraint: config.recurrent_constraint,
      trainable: true,
    },
    ...(config.use_bias
      ? [
          {
            name: 'bias',
            path: 'cell',
            shape: () => (cell.separateBias?.(config) ? [2, columns] : [columns]),
            initializer: config.bias_initializer,
            ...(blocks && { blocks }),
            regularizer: config.bias_regularizer,
            constraint: config.bias_constraint,
            trainable: true,
          },
        ]
      : []),
  ]
}
