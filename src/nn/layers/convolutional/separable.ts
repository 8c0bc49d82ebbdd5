import type { Value } from '../../../graph/index.ts'
import type { ConfigField, Identifier, LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { channelsFirst, channelsOf, margins, oneOf, requireRank } from '../windows.ts'
import {
  BIAS_FIELDS,
  biasSpec,
  type ConvolutionBase,
  channelwise,
  DEPTHWISE_FIELDS,
  type DepthwiseKeys,
  finish,
  formatOf,
  normalizeWindow,
  outFirst,
  validateCounts,
  windowOf,
} from './kernels.ts'

export interface SeparableConvolutionConfig extends ConvolutionBase, DepthwiseKeys {
  readonly depth_multiplier: number
  readonly filters: number
  readonly padding: 'valid' | 'same'
  readonly pointwise_initializer: Identifier
  readonly pointwise_regularizer: Identifier
  readonly pointwise_constraint: Identifier
}

const POINTWISE_FIELDS = {
  pointwise_initializer: 'initializer',
  pointwise_regularizer: 'regularizer',
  pointwise_constraint: 'constraint',
} as const satisfies Record<string, ConfigField>

/** A depthwise convolution, then one of a single place that mixes the channels: [N, ..., in] to [N, ..., filters]. */
function separable(rank: 1 | 2): LayerDef {
  const className = `SeparableConv${rank}D`
  return defineLayer<SeparableConvolutionConfig>({
    className,
    aliases: [`SeparableConvolution${rank}D`],
    defaults: {
      depth_multiplier: 1,
      filters: 1,
      kernel_size: 1,
      strides: 1,
      padding: 'valid',
      data_format: 'channels_last',
      dilation_rate: 1,
      activation: 'linear',
      use_bias: true,
      depthwise_initializer: 'glorot_uniform',
      pointwise_initializer: 'glorot_uniform',
      bias_initializer: 'zeros',
      depthwise_regularizer: null,
      pointwise_regularizer: null,
      bias_regularizer: null,
      activity_regularizer: null,
      depthwise_constraint: null,
      pointwise_constraint: null,
      bias_constraint: null,
    },
    fields: { ...BIAS_FIELDS, ...DEPTHWISE_FIELDS, ...POINTWISE_FIELDS },
    required: ['filters', 'kernel_size'],
    normalize: (config, where) => ({
      ...normalizeWindow(config, rank, where),
      padding: oneOf(config.padding, ['valid', 'same'], 'padding', where),
    }),
    validate: ({ filters, depth_multiplier }, where) => validateCounts({ filters, depth_multiplier }, where),
    weights: (c) => [
      {
        name: 'depthwise_kernel',
        shape: ([x]) => [...windowOf(c).kernel, channelsOf(x, formatOf(c), className), c.depth_multiplier],
        initializer: c.depthwise_initializer,
        regularizer: c.depthwise_regularizer,
        constraint: c.depthwise_constraint,
        trainable: true,
      },
      {
        name: 'pointwise_kernel',
        shape: ([x]) => [
          ...windowOf(c).kernel.map(() => 1),
          channelsOf(x, formatOf(c), className) * c.depth_multiplier,
          c.filters,
        ],
        initializer: c.pointwise_initializer,
        regularizer: c.pointwise_regularizer,
        constraint: c.pointwise_constraint,
        trainable: true,
      },
      ...biasSpec(c, () => [c.filters]),
    ],
    call({ b, config, weight }, [input]) {
      requireRank(input as Value, rank, className)
      const x = channelsFirst(b, input as Value, formatOf(config))
      const window = windowOf(config)
      const parts = b.op('Conv', [x, channelwise(b, weight('depthwise_kernel'))], {
        ...margins(config.padding, x.shape.slice(2), window),
        strides: window.strides,
        dilations: window.dilations,
        group: channelsOf(x, 'channels_first', className),
      })
      const bias = config.use_bias ? weight('bias') : null
      const mixed = b.op('Conv', [parts, outFirst(b, weight('pointwise_kernel')), bias])
      return { outputs: [finish(b, config, mixed)] }
    },
  })
}

export const SEPARABLE_CONVOLUTIONS = [separable(1), separable(2)]
