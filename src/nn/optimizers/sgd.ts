import { cast, Formula } from '../formula.ts'
import { defineOptimizer } from './define.ts'
import { flush } from './flush.ts'

export interface SgdConfig {
  readonly momentum: number
  readonly nesterov: boolean
}

/**
 * Gradient descent, `w -= lr·g`. With momentum: `m = μ·m − lr·g; w += m`, with Nesterov's look-ahead `w += μ·m − lr·g`.
 */
export const sgd = defineOptimizer<SgdConfig, 'momentum'>({
  className: 'SGD',
  defaults: { momentum: 0, nesterov: false },
  base: { learning_rate: 0.01 },
  slots: ({ momentum }) => (momentum === 0 ? [] : [[{ name: 'momentum', fill: 0 }]]),
  update(b, { param, grad, slots, learningRate }, { momentum, nesterov }) {
    const f = new Formula(b, param.dtype)
    const step = f.mul(grad, cast(b, learningRate, param.dtype))
    if (momentum === 0) return { param: f.sub(param, step), slots: {} }
    const next = flush(f, f.sub(f.mul(slots.momentum, momentum), step))
    const move = nesterov ? f.sub(f.mul(next, momentum), step) : next
    return { param: f.add(param, move), slots: { momentum: next } }
  },
  kernel({ momentum, nesterov }) {
    if (momentum === 0) return { name: 'sgd', slots: [], scalars: (_, learningRate) => [learningRate] }
    return {
      name: nesterov ? 'sgdNesterov' : 'sgdMomentum',
      slots: ['momentum'],
      scalars: (_, learningRate) => [learningRate, momentum],
    }
  },
})
