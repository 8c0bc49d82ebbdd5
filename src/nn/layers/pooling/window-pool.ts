import type { Value } from '../../../graph/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import {
  channelsBack,
  channelsFirst,
  type DataFormat,
  dataFormat,
  margins,
  oneOf,
  type PerAxis,
  perAxis,
  requireRank,
} from '../windows.ts'

export interface PoolingConfig {
  readonly pool_size: PerAxis
  readonly padding: 'valid' | 'same'
  /** Null: the pool's size. */
  readonly strides: PerAxis | null
  readonly data_format: DataFormat | null
}

/** The largest element of each window, or the mean of those elements that are no margin. */
function pooling(kind: 'Max' | 'Average', rank: 1 | 2 | 3): LayerDef {
  const className = `${kind}Pooling${rank}D`
  return defineLayer<PoolingConfig>({
    className,
    aliases: [`${kind === 'Max' ? 'Max' : 'Avg'}Pool${rank}D`],
    defaults: { pool_size: 2, padding: 'valid', strides: null, data_format: 'channels_last' },
    normalize(config, where) {
      const size = perAxis(config.pool_size, rank, 'pool_size', where)
      return {
        ...config,
        pool_size: size,
        padding: oneOf(config.padding, ['valid', 'same'], 'padding', where),
        strides: config.strides === null ? size : perAxis(config.strides, rank, 'strides', where),
        data_format: dataFormat(config.data_format, where),
      }
    },
    call({ b, config }, [input]) {
      requireRank(input as Value, rank, className)
      const format = config.data_format ?? 'channels_last'
      const x = channelsFirst(b, input as Value, format)
      const kernel = config.pool_size as readonly number[]
      const strides = config.strides as readonly number[]
      const window = { kernel, strides, dilations: kernel.map(() => 1) }
      const attrs = { kernel_shape: kernel, strides, ...margins(config.padding, x.shape.slice(2), window) }
      const y = kind === 'Max' ? b.op('MaxPool', [x], attrs) : b.op('AveragePool', [x], attrs)
      return { outputs: [channelsBack(b, y, format)] }
    },
  })
}

export const WINDOW_POOLS = [1, 2, 3].flatMap((rank) => {
  const axes = rank as 1 | 2 | 3
  return [pooling('Max', axes), pooling('Average', axes)]
})
