import type { Value } from '../../../graph/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { type DataFormat, dataFormat, requireRank } from '../windows.ts'
import { firstSpatial, type Margins, marginPairs, writtenMargins } from './margins.ts'

export interface ZeroPaddingConfig {
  readonly padding: Margins
  readonly data_format: DataFormat | null
}

/** Adds margins of zeros to the spatial axes. */
function zeroPadding(rank: 1 | 2 | 3): LayerDef {
  const className = `ZeroPadding${rank}D`
  return defineLayer<ZeroPaddingConfig>({
    className,
    defaults: { padding: 1, data_format: 'channels_last' },
    normalize: (config, where) => ({
      ...config,
      padding: writtenMargins(marginPairs(config.padding, rank, 'padding', where)),
      data_format: dataFormat(config.data_format, where),
    }),
    call({ b, config, name }, [input]) {
      const x = input as Value
      requireRank(x, rank, className)
      const pairs = marginPairs(config.padding, rank, 'padding', name)
      const first = firstSpatial(config.data_format ?? 'channels_last')
      const side = (n: 0 | 1): number[] => x.shape.map((_, axis) => pairs[axis - first]?.[n] ?? 0)
      return { outputs: [b.op('Pad', [x, b.ints([...side(0), ...side(1)])])] }
    },
  })
}

export const ZERO_PADDING = [zeroPadding(1), zeroPadding(2), zeroPadding(3)]
