import { RekindleError } from '../../../errors.ts'
import type { Value } from '../../../graph/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { channelsFirst, channelsOf, margins, oneOf, requireRank } from '../windows.ts'
import {
  BIAS_FIELDS,
  biasSpec,
  type ConvolutionBase,
  finish,
  formatOf,
  KERNEL_FIELDS,
  type KernelKeys,
  normalizeWindow,
  outFirst,
  refuseStridedDilation,
  validateCounts,
  windowOf,
} from './kernels.ts'

export interface ConvolutionConfig extends ConvolutionBase, KernelKeys {
  readonly filters: number
  /** `causal` in one dimension only. */
  readonly padding: 'valid' | 'same' | 'causal'
  readonly groups: number
}

/**
 * `activation(convolution(x, kernel) + bias)` over `rank` spatial axes: [N, ..., in] to [N, ..., filters]. The kernel is
 * [..., in / groups, filters].
 */
function convolution(rank: 1 | 2 | 3): LayerDef {
  const className = `Conv${rank}D`
  return defineLayer<ConvolutionConfig>({
    className,
    aliases: [`Convolution${rank}D`],
    defaults: {
      filters: 1,
      kernel_size: 1,
      strides: 1,
      padding: 'valid',
      data_format: 'channels_last',
      dilation_rate: 1,
      groups: 1,
      activation: 'linear',
      use_bias: true,
      kernel_initializer: 'glorot_uniform',
      bias_initializer: 'zeros',
      kernel_regularizer: null,
      bias_regularizer: null,
      activity_regularizer: null,
      kernel_constraint: null,
      bias_constraint: null,
    },
    fields: { ...BIAS_FIELDS, ...KERNEL_FIELDS },
    required: ['filters', 'kernel_size'],
    normalize(config, where) {
      const paddings = rank === 1 ? (['valid', 'same', 'causal'] as const) : (['valid', 'same'] as const)
      return { ...normalizeWindow(config, rank, where), padding: oneOf(config.padding, paddings, 'padding', where) }
    },
    validate(config, where) {
      const { filters, groups } = config
      validateCounts({ filters, groups }, where)
      refuseStridedDilation(config, where)
      if (filters % groups !== 0) {
        throw new RekindleError('E_INVALID_CONFIG', 'filters must be a multiple of groups', {
          where,
          received: `${filters} filters in ${groups} groups`,
        })
      }
    },
    weights: (c) => [
      {
        name: 'kernel',
        shape: ([x]) => {
          const channels = channelsOf(x, formatOf(c), className)
          if (channels % c.groups !== 0) {
            throw new RekindleError('E_INVALID_SHAPE', `${className} in ${c.groups} groups`, {
              expected: `a number of channels that is a multiple of ${c.groups}`,
              received: String(channels),
            })
          }
          return [...windowOf(c).kernel, channels / c.groups, c.filters]
        },
        initializer: c.kernel_initializer,
        regularizer: c.kernel_regularizer,
        constraint: c.kernel_constraint,
        trainable: true,
      },
      ...biasSpec(c, () => [c.filters]),
    ],
    call({ b, config, weight }, [input]) {
      requireRank(input as Value, rank, className)
      const x = channelsFirst(b, input as Value, formatOf(config))
      const bias = config.use_bias ? weight('bias') : null
      const window = windowOf(config)
      const y = b.op('Conv', [x, outFirst(b, weight('kernel')), bias], {
        ...margins(config.padding, x.shape.slice(2), window),
        strides: window.strides,
        dilations: window.dilations,
        group: config.groups,
      })
      return { outputs: [finish(b, config, y)] }
    },
  })
}

export const CONVOLUTIONS = [convolution(1), convolution(2), convolution(3)]
