import type { Builder, Value } from '../../../graph/index.ts'
import { normalizeAxis } from '../../../tensor/index.ts'
import { cast, Formula } from '../../formula.ts'
import { defineLayer } from '../define.ts'

export interface SoftmaxConfig {
  readonly axis: number | readonly number[]
}

/** `exp(x) / Σ exp(x)` along one axis or several. What the mask hides gets 0 and takes no share. */
export const softmax = defineLayer<SoftmaxConfig>({
  className: 'Softmax',
  defaults: { axis: -1 },
  supportsMasking: true,
  call({ b, config, name }, [input], { masks }) {
    const x = input as Value
    const m = new Formula(b, x.dtype)
    const mask = masks[0] ? cast(b, masks[0], 'bool') : null
    const axes = (typeof config.axis === 'number' ? [config.axis] : config.axis).map((axis) =>
      normalizeAxis(axis, x.shape.length, name),
    )
    const y = overAxes(b, mask ? m.where(mask, x, -1e9) : x, axes)
    return { outputs: [mask ? m.where(mask, y, 0) : y] }
  },
})

function overAxes(b: Builder, x: Value, axes: readonly number[]): Value {
  if (axes.length === 1) return b.op('Softmax', [x], { axis: axes[0] as number })
  const m = new Formula(b, x.dtype)
  const powers = m.exp(m.sub(x, b.op('ReduceMax', [x, b.ints(axes)], { keepdims: 1 })))
  return m.div(powers, m.sum(powers, axes))
}
