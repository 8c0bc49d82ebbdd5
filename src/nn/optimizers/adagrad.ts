import { cast, Formula } from '../formula.ts'
import { defineOptimizer } from './define.ts'

export interface AdagradConfig {
  readonly initial_accumulator_value: number
  readonly epsilon: number
}

/** `a += g²; w -= lr·g / √(a + ε)`; Keras 2's legacy optimizer has `√a + ε`. */
export const adagrad = defineOptimizer<AdagradConfig, 'accumulator'>({
  className: 'Adagrad',
  defaults: { initial_accumulator_value: 0.1, epsilon: 1e-7 },
  base: { learning_rate: 0.001 },
  slots: ({ initial_accumulator_value: fill }) => [[{ name: 'accumulator', fill }]],
  update(b, { param, grad, slots, learningRate }, { epsilon, legacy }) {
    const f = new Formula(b, param.dtype)
    const accumulator = f.add(slots.accumulator, f.square(grad))
    const root = legacy ? f.add(f.sqrt(accumulator), epsilon) : f.sqrt(f.add(accumulator, epsilon))
    const step = f.div(f.mul(cast(b, learningRate, param.dtype), grad), root)
    return { param: f.sub(param, step), slots: { accumulator } }
  },
  kernel: ({ epsilon, legacy }) => ({
    name: legacy ? 'adagradLegacy' : 'adagrad',
    slots: ['accumulator'],
    scalars: (_, learningRate) => [learningRate, epsilon],
  }),
})
