import type { Value } from '../../../graph/index.ts'
import { defineLayer, requireInteger } from '../define.ts'
import { requireAxes } from '../shapes.ts'

export interface RepeatVectorConfig {
  readonly n: number
}

/** [N, features] to [N, n, features]. */
export const repeatVector = defineLayer<RepeatVectorConfig>({
  className: 'RepeatVector',
  defaults: { n: 1 },
  required: ['n'],
  validate: ({ n }, where) => requireInteger(n, 1, 'n', where),
  call({ b, config }, [x]) {
    requireAxes(x as Value, 2, 'RepeatVector')
    return { outputs: [b.op('Expand', [b.op('Unsqueeze', [x as Value, b.ints([1])]), b.ints([1, config.n, 1])])] }
  },
})
