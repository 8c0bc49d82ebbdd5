import type { Value } from '../../graph/index.ts'
import { cast, Formula } from '../formula.ts'
import { defineOptimizer } from './define.ts'
import { flush } from './flush.ts'

export interface AdamConfig {
  readonly beta_1: number
  readonly beta_2: number
  readonly epsilon: number
  readonly amsgrad: boolean
}

/**
 * `m += (g−m)(1−β₁); v += (g²−v)(1−β₂); w -= α·m / (√v + ε)` with `α = lr·√(1−β₂ᵗ) / (1−β₁ᵗ)`.
 * AMSGrad divides by the root of the largest v so far. ε is outside the root and not bias-corrected.
 */
export const adam = defineOptimizer<AdamConfig, 'momentum' | 'velocity' | 'velocity_hat'>({
  className: 'Adam',
  defaults: { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false },
  base: { learning_rate: 0.001 },
  slots: ({ amsgrad }) => [
    [
      { name: 'momentum', fill: 0 },
      { name: 'velocity', fill: 0 },
    ],
    ...(amsgrad ? [[{ name: 'velocity_hat', fill: 0 }]] : []),
  ],
  update(b, { param, grad, slots, step, learningRate }, config) {
    const f = new Formula(b, param.dtype)
    const t = cast(b, step, param.dtype)
    const root = f.sqrt(f.sub(1, f.pow(config.beta_2, t)))
    const alpha = f.div(f.mul(cast(b, learningRate, param.dtype), root), f.sub(1, f.pow(config.beta_1, t)))
    const approach = (x: Value, sample: Value, rate: number): Value => flush(f, f.add(x, f.mul(f.sub(sample, x), rate)))
    const momentum = approach(slots.momentum, grad, 1 - config.beta_1)
    const velocity = approach(slots.velocity, f.square(grad), 1 - config.beta_2)
    const hat = config.amsgrad ? b.op('Max', [slots.velocity_hat, velocity]) : null
    const update = f.div(f.mul(momentum, alpha), f.add(f.sqrt(hat ?? velocity), config.epsilon))
    return { param: f.sub(param, update), slots: { momentum, velocity, ...(hat && { velocity_hat: hat }) } }
  },
  kernel: ({ beta_1: beta1, beta_2: beta2, epsilon, amsgrad }) => ({
    name: amsgrad ? 'adamAmsgrad' : 'adam',
    slots: ['momentum', 'velocity', ...(amsgrad ? ['velocity_hat'] : [])],
    scalars: (step, learningRate) => [stepSize(step, learningRate, beta1, beta2), 1 - beta1, 1 - beta2, epsilon],
  }),
})

/** α, rounded to float32 after every operation as the graph does: `1 − β₂ᵗ` cancels, so the rounding shows. */
function stepSize(step: number, learningRate: number, beta1: number, beta2: number): number {
  const { fround, sqrt } = Math
  const rest = (beta: number): number => fround(1 - fround(fround(beta) ** step))
  return fround(fround(fround(learningRate) * fround(sqrt(rest(beta2)))) / rest(beta1))
}
