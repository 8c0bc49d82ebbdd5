import { RekindleError } from '../../../errors.ts'
import type { Value } from '../../../graph/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { channelsFirst, channelsOf, oneOf, type PerAxis, perAxis, requireRank } from '../windows.ts'
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

export interface TransposedConvolutionConfig extends ConvolutionBase, KernelKeys {
  readonly filters: number
  readonly padding: 'valid' | 'same'
  /** Null: as much as `padding` needs. */
  readonly output_padding: PerAxis | null
}

/**
 * The convolution's way back, from few places to many: [N, ..., in] to [N, ..., filters]. The kernel is
 * [..., filters, in].
 */
function transposed(rank: 1 | 2 | 3): LayerDef {
  const className = `Conv${rank}DTranspose`
  return defineLayer<TransposedConvolutionConfig>({
    className,
    aliases: rank === 2 ? ['Convolution2DTranspose', 'Deconvolution2D'] : [`Convolution${rank}DTranspose`],
    defaults: {
      filters: 1,
      kernel_size: 1,
      strides: 1,
      padding: 'valid',
      output_padding: null,
      data_format: 'channels_last',
      dilation_rate: 1,
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
      const { output_padding: extra } = config
      return {
        ...normalizeWindow(config, rank, where),
        padding: oneOf(config.padding, ['valid', 'same'], 'padding', where),
        output_padding: extra === null ? null : perAxis(extra, rank, 'output_padding', where, 0),
      }
    },
    validate(config, where) {
      validateCounts({ filters: config.filters }, where)
      refuseStridedDilation(config, where)
      const { strides } = windowOf(config)
      const extra = config.output_padding as readonly number[] | null
      if (extra?.some((size, n) => size >= (strides[n] as number))) {
        throw new RekindleError('E_INVALID_CONFIG', 'output_padding must be smaller than strides', {
          where,
          received: `output_padding ${JSON.stringify(extra)}, strides ${JSON.stringify(strides)}`,
        })
      }
    },
    weights: (c) => [
      {
        name: 'kernel',
        shape: ([x]) => [...windowOf(c).kernel, c.filters, channelsOf(x, formatOf(c), className)],
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
      const { strides, dilations } = windowOf(config)
      const y = b.op('ConvTranspose', [x, outFirst(b, weight('kernel')), bias], {
        ...marginsBack(config),
        strides,
        dilations,
      })
      return { outputs: [finish(b, config, y)] }
    },
  })
}

/**
 * TensorFlow: the output has (size − 1) · stride + `more` places and is what a convolution with this padding would have
 * come from. Of the (size − 1) · stride + reach places that the kernels cover, it leaves out the front margin of that
 * convolution (the smaller half) and what is too much at the end; what is missing is added there.
 */
function marginsBack(config: TransposedConvolutionConfig): {
  readonly pads: readonly number[]
  readonly output_padding: readonly number[]
} {
  const { kernel, strides, dilations } = windowOf(config)
  const extra = config.output_padding as readonly number[] | null
  const axes = kernel.map((size, n) => {
    const stride = strides[n] as number
    const reach = (size - 1) * (dilations[n] as number) + 1
    const added = extra?.[n]
    const valid = added === undefined ? Math.max(reach, stride) : reach + added
    const same = added === undefined ? stride : (reach % 2) + added
    const left = reach - (config.padding === 'valid' ? valid : same)
    const front = Math.floor(Math.max(0, left) / 2)
    return { front, end: Math.max(0, left) - front, more: Math.max(0, -left) }
  })
  return {
    pads: [...axes.map(({ front }) => front), ...axes.map(({ end }) => end)],
    output_padding: axes.map(({ more }) => more),
  }
}

export const TRANSPOSED_CONVOLUTIONS = [transposed(1), transposed(2), transposed(3)]
