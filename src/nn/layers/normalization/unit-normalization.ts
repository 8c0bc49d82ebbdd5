import type { Value } from '../../../graph/index.ts'
import { defineLayer } from '../define.ts'
import { unitLength } from '../l2.ts'
import { type Axes, positiveAxes } from './axes.ts'

export interface UnitNormalizationConfig {
  readonly axis: Axes
}

/** Brings each sample to length 1 along the axes. */
export const unitNormalization = defineLayer<UnitNormalizationConfig>({
  className: 'UnitNormalization',
  defaults: { axis: -1 },
  supportsMasking: true,
  call: ({ b, config, name }, [x]) => ({
    outputs: [unitLength(b, x as Value, positiveAxes(x as Value, config.axis, name), 1e-12)],
  }),
})
