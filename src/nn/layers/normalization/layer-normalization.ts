import type { Value } from '../../../graph/index.ts'
import { Formula } from '../../formula.ts'
import { defineLayer } from '../define.ts'
import { AFFINE_DEFAULTS, AFFINE_FIELDS, type AffineConfig, affineSpecs } from './affine.ts'
import { type Axes, alongAxes, axisSizes, positiveAxes } from './axes.ts'

export interface LayerNormalizationConfig extends AffineConfig {
  readonly axis: Axes
  readonly epsilon: number
  readonly rms_scaling: boolean
}

/**
 * `gamma · (x - mean) / √(variance + epsilon) + beta`, mean and variance along the axes of each sample. `rms_scaling`
 * only scales: `gamma · x / √(variance + epsilon)`.
 */
export const layerNormalization = defineLayer<LayerNormalizationConfig>({
  className: 'LayerNormalization',
  defaults: { axis: -1, epsilon: 1e-3, center: true, scale: true, rms_scaling: false, ...AFFINE_DEFAULTS },
  fields: AFFINE_FIELDS,
  supportsMasking: true,
  weights: (c) =>
    affineSpecs({ ...c, scale: c.scale || c.rms_scaling, center: c.center && !c.rms_scaling }, ([x]) =>
      axisSizes(x, c.axis, 'LayerNormalization'),
    ),
  call({ b, config, weight, name }, [input]) {
    const x = input as Value
    const m = new Formula(b, x.dtype)
    const axes = positiveAxes(x, config.axis, name)
    const mean = b.op('ReduceMean', [x, b.ints(axes)], { keepdims: 1 })
    const centered = m.sub(x, mean)
    const variance = b.op('ReduceMean', [m.square(centered), b.ints(axes)], { keepdims: 1 })
    const scale = b.op('Reciprocal', [m.sqrt(m.add(variance, config.epsilon))])
    let y = m.mul(config.rms_scaling ? x : centered, scale)
    if (config.scale || config.rms_scaling) y = m.mul(y, alongAxes(b, weight('gamma'), x, axes))
    if (config.center && !config.rms_scaling) y = m.add(y, alongAxes(b, weight('beta'), x, axes))
    return { outputs: [y] }
  },
})
