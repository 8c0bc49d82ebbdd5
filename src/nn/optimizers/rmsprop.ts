import type { Value } from '../../graph/index.ts'
import { cast, Formula } from '../formula.ts'
import type { OptimizerKernel, SlotDef } from '../types.ts'
import { defineOptimizer } from './define.ts'
import { flush } from './flush.ts'

export interface RmspropConfig {
  readonly rho: number
  readonly momentum: number
  readonly epsilon: number
  readonly centered: boolean
}

const zeros = (name: string): SlotDef => ({ name, fill: 0 })

/**
 * `v = ρ·v + (1−ρ)·g²; w -= lr·g / √(v + ε)`. Centered: `a = ρ·a + (1−ρ)·g`, and `v − a²` takes the place of v.
 * With momentum: `m = μ·m + step; w -= m`. Keras 2's legacy optimizer without momentum has `√v + ε`.
 */
export const rmsprop = defineOptimizer<RmspropConfig, 'velocity' | 'momentum' | 'average_gradient'>({
  className: 'RMSprop',
  defaults: { rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
  base: { learning_rate: 0.001 },
  slots: ({ momentum, centered }) => [
    [zeros('velocity')],
    ...(momentum > 0 ? [[zeros('momentum')]] : []),
    ...(centered ? [[zeros('average_gradient')]] : []),
  ],
  update(b, { param, grad, slots, learningRate }, { rho, momentum, epsilon, centered, legacy }) {
    const f = new Formula(b, param.dtype)
    const mean = (x: Value, sample: Value): Value => flush(f, f.add(f.mul(rho, x), f.mul(1 - rho, sample)))
    const velocity = mean(slots.velocity, f.square(grad))
    const average = centered ? mean(slots.average_gradient, grad) : null
    const spread = average ? f.sub(velocity, f.square(average)) : velocity
    const outside = legacy && momentum === 0
    const root = outside ? f.add(f.sqrt(spread), epsilon) : f.sqrt(f.add(spread, epsilon))
    const step = f.div(f.mul(cast(b, learningRate, param.dtype), grad), root)
    const heavy = momentum > 0 ? flush(f, f.add(f.mul(momentum, slots.momentum), step)) : null
    return {
      param: f.sub(param, heavy ?? step),
      slots: { velocity, ...(heavy && { momentum: heavy }), ...(average && { average_gradient: average }) },
    }
  },
  kernel({ rho, momentum, epsilon, centered, legacy }): OptimizerKernel {
    const heavy = momentum > 0
    const variant = `${centered ? 'Centered' : ''}${heavy ? 'Momentum' : legacy ? 'Legacy' : ''}`
    return {
      name: `rmsprop${variant}`,
      slots: ['velocity', ...(heavy ? ['momentum'] : []), ...(centered ? ['average_gradient'] : [])],
      scalars: (_, learningRate) => [learningRate, rho, 1 - rho, epsilon, ...(heavy ? [momentum] : [])],
    }
  },
})
