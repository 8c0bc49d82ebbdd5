import type { Value } from '../../../graph/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { type DataFormat, dataFormat, requireRank } from '../windows.ts'
import { firstSpatial, type Margins, marginPairs, writtenMargins } from './margins.ts'

export interface CroppingConfig {
  readonly cropping: Margins
}

export interface ImageCroppingConfig extends CroppingConfig {
  readonly data_format: DataFormat | null
}

/** The end of an axis, however long it is. */
const END = 2 ** 31 - 1

/** Takes away the margins of the spatial axes. In one dimension the channels are always last. */
function cropping(rank: 1 | 2 | 3): LayerDef {
  const className = `Cropping${rank}D`
  return defineLayer<CroppingConfig & { readonly data_format?: DataFormat | null }>({
    className,
    defaults: rank === 1 ? { cropping: 1 } : { cropping: rank === 2 ? 0 : 1, data_format: 'channels_last' },
    normalize: (config, where) => ({
      ...config,
      cropping: writtenMargins(marginPairs(config.cropping, rank, 'cropping', where)),
      ...(rank === 1 ? {} : { data_format: dataFormat(config.data_format, where) }),
    }),
    call({ b, config, name }, [input]) {
      const x = input as Value
      requireRank(x, rank, className)
      const pairs = marginPairs(config.cropping, rank, 'cropping', name)
      const first = firstSpatial(config.data_format ?? 'channels_last')
      const starts = b.ints(pairs.map(([before]) => before))
      const ends = b.ints(pairs.map(([, after]) => (after === 0 ? END : -after)))
      return { outputs: [b.op('Slice', [x, starts, ends, b.ints(pairs.map((_, i) => first + i))])] }
    },
  })
}

export const CROPPING = [cropping(1), cropping(2), cropping(3)]
