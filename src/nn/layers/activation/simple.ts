import type { Value } from '../../../graph/index.ts'
import { applyActivation } from '../../activations/index.ts'
import type { JsonObject, LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'

export interface ReLUConfig {
  readonly max_value: number | null
  readonly negative_slope: number
  readonly threshold: number
}

export interface LeakyReLUConfig {
  readonly negative_slope: number
}

export interface ELUConfig {
  readonly alpha: number
}

/** A layer whose config is that of an activation function. */
function activationLayer<C extends object>(className: string, fn: string, defaults: C): LayerDef {
  return defineLayer<C>({
    className,
    defaults,
    supportsMasking: true,
    call({ b, config }, [x]) {
      const keys = Object.keys(defaults) as (keyof C)[]
      const own = Object.fromEntries(keys.map((key) => [key, config[key]])) as JsonObject
      return { outputs: [applyActivation(b, { class_name: fn, config: own }, x as Value)] }
    },
  })
}

export const ACTIVATION_LAYERS = [
  activationLayer<ReLUConfig>('ReLU', 'relu', { max_value: null, negative_slope: 0, threshold: 0 }),
  activationLayer<LeakyReLUConfig>('LeakyReLU', 'leaky_relu', { negative_slope: 0.3 }),
  activationLayer<ELUConfig>('ELU', 'elu', { alpha: 1 }),
]
