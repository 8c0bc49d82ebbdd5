import type { Value } from '../../../graph/index.ts'
import { Formula } from '../../formula.ts'
import { defineLayer } from '../define.ts'
import { type Axes, alongAxes, axisSizes, positiveAxes } from './axes.ts'

export interface RMSNormalizationConfig {
  readonly axis: Axes
  readonly epsilon: number
}

/** `scale · x / √(mean(x²) + epsilon)`, the mean along the axes of each sample. */
export const rmsNormalization = defineLayer<RMSNormalizationConfig>({
  className: 'RMSNormalization',
  defaults: { axis: -1, epsilon: 1e-6 },
  weights: (c) => [
    {
      name: 'scale',
      shape: ([x]) => axisSizes(x, c.axis, 'RMSNormalization'),
      initializer: 'ones',
      trainable: true,
    },
  ],
  call({ b, config, weight, name }, [input]) {
    const x = input as Value
    const m = new Formula(b, x.dtype)
    const axes = positiveAxes(x, config.axis, name)
    const power = b.op('ReduceMean', [m.square(x), b.ints(axes)], { keepdims: 1 })
    const scaled = m.mul(x, b.op('Reciprocal', [m.sqrt(m.add(power, config.epsilon))]))
    return { outputs: [m.mul(scaled, alongAxes(b, weight('scale'), x, axes))] }
  },
})
