import type { Value } from '../../../graph/index.ts'
import { applyRegularizer } from '../../regularizers.ts'
import { defineLayer } from '../define.ts'

export interface ActivityRegularizationConfig {
  readonly l1: number
  readonly l2: number
}

/** Passes its input on and adds `l1 · Σ|x| + l2 · Σx²`, over the batch size, to the loss. */
export const activityRegularization = defineLayer<ActivityRegularizationConfig>({
  className: 'ActivityRegularization',
  defaults: { l1: 0, l2: 0 },
  supportsMasking: true,
  call({ b, config: { l1, l2 } }, [input]) {
    const x = input as Value
    const [batch] = x.shape
    if (typeof batch !== 'number') return { outputs: [x] }
    const penalty = applyRegularizer(b, { class_name: 'L1L2', config: { l1, l2 } }, x)
    return { outputs: [x], losses: [b.op('Div', [penalty, b.scalar(batch)])] }
  },
})
