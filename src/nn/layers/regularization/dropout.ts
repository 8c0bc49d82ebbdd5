import { concreteShape, type Value } from '../../../graph/index.ts'
import { DTYPES } from '../../../tensor/index.ts'
import { defineLayer, requireFraction } from '../define.ts'

export interface DropoutConfig {
  readonly rate: number
  readonly seed: number | null
  readonly noise_shape: readonly (number | null)[] | null
}

/** In training, sets a fraction `rate` of the inputs to 0 and scales the rest by 1 / (1 - rate). */
export const dropout = defineLayer<DropoutConfig>({
  className: 'Dropout',
  defaults: { rate: 0.5, seed: null, noise_shape: null },
  required: ['rate'],
  supportsMasking: true,
  validate: (config, where) => requireFraction(config.rate, 'rate', where),
  call({ b, config, training, random, name }, [input]) {
    const x = input as Value
    const { rate, noise_shape: noise } = config
    if (!training || rate === 0) return { outputs: [x] }
    const shape = concreteShape(x.shape, name)
    if (rate === 1) return { outputs: [b.op('Mul', [x, b.scalar(0)])] }
    const draw = random.uniform(b, noise ? shape.map((size, i) => noise[i] ?? size) : shape, 16)
    const keep = b.op('Cast', [b.op('GreaterOrEqual', [draw, b.scalar(rate)])], { to: DTYPES.float32.onnx })
    return { outputs: [b.op('Mul', [x, b.op('Mul', [keep, b.scalar(1 / (1 - rate))])])] }
  },
})
