import type { Value } from '../../../graph/index.ts'
import type { LayerDef } from '../../types.ts'
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
  validateCounts,
  windowOf,
} from './kernels.ts'

export interface DepthwiseConvolutionConfig extends ConvolutionBase, DepthwiseKeys {
  readonly depth_multiplier: number
  readonly padding: 'valid' | 'same'
}

/**
 * Each channel convolved by itself with `depth_multiplier` kernels: [N, ..., in] to [N, ..., in · depth_multiplier]. The
 * kernel is [..., in, depth_multiplier].
 */
function depthwise(rank: 1 | 2): LayerDef {
  const className = `DepthwiseConv${rank}D`
  return defineLayer<DepthwiseConvolutionConfig>({
    className,
    defaults: {
      depth_multiplier: 1,
      kernel_size: 1,
      strides: 1,
      padding: 'valid',
      data_format: 'channels_last',
      dilation_rate: 1,
      activation: 'linear',
      use_bias: true,
      depthwise_initializer: 'glorot_uniform',
      bias_initializer: 'zeros',
      depthwise_regularizer: null,
      bias_regularizer: null,
      activity_regularizer: null,
      depthwise_constraint: null,
      bias_constraint: null,
    },
    fields: { ...BIAS_FIELDS, ...DEPTHWISE_FIELDS },
    required: ['kernel_size'],
    normalize: (config, where) => ({
      ...normalizeWindow(config, rank, where),
      padding: oneOf(config.padding, ['valid', 'same'], 'padding', where),
    }),
    validate: ({ depth_multiplier }, where) => validateCounts({ depth_multiplier }, where),
    weights: (c) => [
      {
        name: 'kernel',
        shape: ([x]) => [...windowOf(c).kernel, channelsOf(x, formatOf(c), className), c.depth_multiplier],
        initializer: c.depthwise_initializer,
        regularizer: c.depthwise_regularizer,
        constraint: c.depthwise_constraint,
        trainable: true,
      },
      ...biasSpec(c, ([x]) => [channelsOf(x, formatOf(c), className) * c.depth_multiplier]),
    ],
    call({ b, config, weight }, [input]) {
      requireRank(input as Value, rank, className)
      const x = channelsFirst(b, input as Value, formatOf(config))
      const window = windowOf(config)
      const y = b.op('Conv', [x, channelwise(b, weight('kernel')), config.use_bias ? weight('bias') : null], {
        ...margins(config.padding, x.shape.slice(2), window),
        strides: window.strides,
        dilations: window.dilations,
        group: channelsOf(x, 'channels_first', className),
      })
      return { outputs: [finish(b, config, y)] }
    },
  })
}

export const DEPTHWISE_CONVOLUTIONS = [depthwise(1), depthwise(2)]
