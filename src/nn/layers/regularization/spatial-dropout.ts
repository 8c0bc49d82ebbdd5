import { concreteShape, type Value } from '../../../graph/index.ts'
import { cast, Formula } from '../../formula.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer, requireFraction } from '../define.ts'
import { type DataFormat, dataFormat, requireRank } from '../windows.ts'

export interface SpatialDropout1DConfig {
  readonly rate: number
  readonly seed: number | null
}

export interface SpatialDropoutConfig extends SpatialDropout1DConfig {
  readonly data_format: DataFormat | null
}

/** Dropout of whole channels: all places of a channel stay or go together. */
function spatialDropout(rank: 1 | 2 | 3): LayerDef {
  const className = `SpatialDropout${rank}D`
  return defineLayer<SpatialDropout1DConfig & { readonly data_format?: DataFormat | null }>({
    className,
    defaults: { rate: 0.5, seed: null, ...(rank === 1 ? {} : { data_format: 'channels_last' as const }) },
    required: ['rate'],
    supportsMasking: true,
    normalize: (config, where) =>
      rank === 1 ? config : { ...config, data_format: dataFormat(config.data_format, where) },
    validate: ({ rate }, where) => requireFraction(rate, 'rate', where),
    call({ b, config, training, random, name }, [input]) {
      const x = input as Value
      requireRank(x, rank, className)
      const { rate } = config
      if (!training || rate === 0) return { outputs: [x] }
      const m = new Formula(b, 'float32')
      if (rate === 1) return { outputs: [m.mul(x, 0)] }
      const channel = config.data_format === 'channels_first' ? 1 : x.shape.length - 1
      const shape = concreteShape(x.shape, name).map((size, axis) => (axis === 0 || axis === channel ? size : 1))
      const keep = cast(b, b.op('GreaterOrEqual', [random.uniform(b, shape, 16), b.scalar(rate)]), 'float32')
      return { outputs: [m.mul(x, m.mul(keep, 1 / (1 - rate)))] }
    },
  })
}

export const SPATIAL_DROPOUT = [spatialDropout(1), spatialDropout(2), spatialDropout(3)]
