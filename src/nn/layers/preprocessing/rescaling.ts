import type { Builder, Value } from '../../../graph/index.ts'
import { Tensor } from '../../../tensor/index.ts'
import { cast, Formula } from '../../formula.ts'
import { defineLayer } from '../define.ts'

export interface RescalingConfig {
  /** One number, or one for each place of the last axis. */
  readonly scale: number | readonly number[]
  readonly offset: number | readonly number[]
}

/** `x · scale + offset`. */
export const rescaling = defineLayer<RescalingConfig>({
  className: 'Rescaling',
  defaults: { scale: 1, offset: 0 },
  required: ['scale'],
  supportsMasking: true,
  call({ b, config }, [x]) {
    const m = new Formula(b, 'float32')
    const scaled = m.mul(cast(b, x as Value, 'float32'), constant(b, config.scale))
    return { outputs: [m.add(scaled, constant(b, config.offset))] }
  },
})

function constant(b: Builder, value: number | readonly number[]): Value {
  if (typeof value === 'number') return b.scalar(value)
  return b.constant(new Tensor('float32', [value.length], Float32Array.from(value)))
}
