import { RekindleError } from '../../../errors.ts'
import type { Value } from '../../../graph/index.ts'
import { defineLayer } from '../define.ts'

export interface PermuteConfig {
  /** The axes after the batch in their new order, counted from 1. */
  readonly dims: readonly number[]
}

/** Reorders the axes after the batch. */
export const permute = defineLayer<PermuteConfig>({
  className: 'Permute',
  defaults: { dims: [] },
  required: ['dims'],
  validate({ dims }, where) {
    if (Array.isArray(dims) && [...dims].sort((a, c) => a - c).every((axis, i) => axis === i + 1)) return
    throw new RekindleError('E_INVALID_CONFIG', 'bad dims', {
      where,
      expected: 'the numbers from 1 to the number of axes, each once',
      received: JSON.stringify(dims),
    })
  },
  call: ({ b, config }, [x]) => ({ outputs: [b.op('Transpose', [x as Value], { perm: [0, ...config.dims] })] }),
})
