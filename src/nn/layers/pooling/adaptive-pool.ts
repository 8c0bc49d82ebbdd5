import type { Builder, Value } from '../../../graph/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { knownDimension } from '../shapes.ts'
import {
  channelsBack,
  channelsFirst,
  type DataFormat,
  dataFormat,
  type PerAxis,
  perAxis,
  requireRank,
} from '../windows.ts'

export interface AdaptivePoolingConfig {
  readonly output_size: PerAxis
  readonly data_format: DataFormat | null
}

/**
 * Pools to a given size, one axis after the other: place i takes the elements from ⌊i·size/places⌋ up to
 * ⌈(i+1)·size/places⌉. These windows have at most two sizes, each of which is a pool of stride 1; places are picked
 * from them.
 */
function adaptivePooling(kind: 'Max' | 'Average', rank: 1 | 2 | 3): LayerDef {
  const className = `Adaptive${kind}Pooling${rank}D`
  return defineLayer<AdaptivePoolingConfig>({
    className,
    defaults: { output_size: 1, data_format: 'channels_last' },
    required: ['output_size'],
    normalize: (config, where) => ({
      ...config,
      output_size: perAxis(config.output_size, rank, 'output_size', where),
      data_format: dataFormat(config.data_format, where),
    }),
    call({ b, config }, [input]) {
      requireRank(input as Value, rank, className)
      const format = config.data_format ?? 'channels_last'
      const places = config.output_size as readonly number[]
      const x = channelsFirst(b, input as Value, format)
      const y = places.reduce(
        (value, count, n) => poolAxis(b, kind, value, n, count, knownDimension(value, n + 2, className)),
        x,
      )
      return { outputs: [channelsBack(b, y, format)] }
    },
  })
}

function poolAxis(b: Builder, kind: 'Max' | 'Average', x: Value, n: number, places: number, size: number): Value {
  const windows = Array.from({ length: places }, (_, i) => {
    const start = Math.floor((i * size) / places)
    return { start, length: Math.ceil(((i + 1) * size) / places) - start }
  })
  const lengths = [...new Set(windows.map(({ length }) => length))].sort((a, z) => a - z)
  const pools = lengths.map((length) => {
    const kernel = x.shape.slice(2).map((_, axis) => (axis === n ? length : 1))
    const attrs = { kernel_shape: kernel }
    return kind === 'Max' ? b.op('MaxPool', [x], attrs) : b.op('AveragePool', [x], attrs)
  })
  // The second pool's places follow those of the first.
  const offsets = [0, size - (lengths[0] as number) + 1]
  const picked = windows.map(({ start, length }) => start + (offsets[lengths.indexOf(length)] as number))
  const all = pools.length === 1 ? (pools[0] as Value) : b.op('Concat', pools, { axis: n + 2 })
  return b.op('Gather', [all, b.ints(picked)], { axis: n + 2 })
}

export const ADAPTIVE_POOLS = [1, 2, 3].flatMap((rank) => {
  const axes = rank as 1 | 2 | 3
  return [adaptivePooling('Max', axes), adaptivePooling('Average', axes)]
})
