import type { Value } from '../../../graph/index.ts'
import { sizeOf } from '../../../tensor/index.ts'
import { defineLayer } from '../define.ts'
import { featureShape } from '../shapes.ts'

export interface FlattenConfig {
  readonly data_format: 'channels_last' | 'channels_first' | null
}

/** [N, a, b, …] to [N, a·b·…]. `channels_first` moves the channels to the end before that, as Keras does. */
export const flatten = defineLayer<FlattenConfig>({
  className: 'Flatten',
  defaults: { data_format: 'channels_last' },
  call({ b, config }, [input]) {
    let x = input as Value
    const rank = x.shape.length
    if (config.data_format === 'channels_first' && rank > 2) {
      const axes = Array.from({ length: rank }, (_, i) => i)
      x = b.op('Transpose', [x], { perm: [0, ...axes.slice(2), 1] })
    }
    const size = rank > 1 ? sizeOf(featureShape(x, 'Flatten')) : 1
    return { outputs: [b.op('Reshape', [x, b.ints([0, size])])] }
  },
})
