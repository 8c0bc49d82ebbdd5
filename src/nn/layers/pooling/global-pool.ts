import type { Builder, Value } from '../../../graph/index.ts'
import { DTYPES } from '../../../tensor/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { type DataFormat, dataFormat, requireRank } from '../windows.ts'

export interface GlobalPoolingConfig {
  readonly data_format: DataFormat | null
  readonly keepdims: boolean
}

/** One number per channel: the largest or the mean over all places. Equal largest ones share the gradient evenly. */
function globalPooling(kind: 'Max' | 'Average', rank: 1 | 2 | 3): LayerDef {
  const className = `Global${kind}Pooling${rank}D`
  return defineLayer<GlobalPoolingConfig>({
    className,
    aliases: [`Global${kind === 'Max' ? 'Max' : 'Avg'}Pool${rank}D`],
    defaults: { data_format: 'channels_last', keepdims: false },
    normalize: (config, where) => ({ ...config, data_format: dataFormat(config.data_format, where) }),
    call({ b, config }, [input], { masks }) {
      const x = input as Value
      requireRank(x, rank, className)
      const first = config.data_format === 'channels_last' ? 1 : 2
      const axes = Array.from({ length: rank }, (_, n) => first + n)
      const keepdims = config.keepdims ? 1 : 0
      const mask = kind === 'Average' && rank === 1 ? (masks[0] ?? null) : null
      const y = mask
        ? maskedMean(b, x, mask, first, keepdims)
        : b.op(kind === 'Max' ? 'ReduceMax' : 'ReduceMean', [x, b.ints(axes)], { keepdims })
      return { outputs: [y], masks: [null] }
    },
  })
}

/** The mean over the steps that count. */
function maskedMean(b: Builder, x: Value, mask: Value, axis: number, keepdims: 0 | 1): Value {
  const over = b.ints([axis])
  const flags = b.op('Cast', [mask], { to: DTYPES.bool.onnx })
  const steps = b.op('Unsqueeze', [flags, b.ints([axis === 1 ? 2 : 1])])
  const counted = b.op('ReduceSum', [b.op('Cast', [steps], { to: DTYPES[x.dtype].onnx }), over], { keepdims })
  const kept = b.op('Where', [steps, x, b.scalar(0, x.dtype)])
  return b.op('Div', [b.op('ReduceSum', [kept, over], { keepdims }), counted])
}

export const GLOBAL_POOLS = [1, 2, 3].flatMap((rank) => {
  const axes = rank as 1 | 2 | 3
  return [globalPooling('Max', axes), globalPooling('Average', axes)]
})
