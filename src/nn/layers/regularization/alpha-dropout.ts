import { RekindleError } from '../../../errors.ts'
import { concreteShape, type Value } from '../../../graph/index.ts'
import { cast, Formula } from '../../formula.ts'
import { defineLayer } from '../define.ts'

export interface AlphaDropoutConfig {
  readonly rate: number
  readonly seed: number | null
  readonly noise_shape: readonly (number | null)[] | null
}

/** What SELU gives far below zero: -alpha · scale. */
const FLOOR = -1.6732632423543772 * 1.0507009873554805

/** Dropout for SELU networks: dropped values are set to SELU's floor, then mean and variance are restored. */
export const alphaDropout = defineLayer<AlphaDropoutConfig>({
  className: 'AlphaDropout',
  defaults: { rate: 0.5, seed: null, noise_shape: null },
  required: ['rate'],
  supportsMasking: true,
  validate({ rate }, where) {
    if (typeof rate === 'number' && rate >= 0 && rate < 1) return
    throw new RekindleError('E_INVALID_CONFIG', 'bad value for rate', {
      where,
      expected: 'a number from 0 to below 1',
      received: JSON.stringify(rate),
    })
  },
  call({ b, config, training, random, name }, [input]) {
    const x = input as Value
    const { rate, noise_shape: noise } = config
    if (!training || rate === 0) return { outputs: [x] }
    const m = new Formula(b, 'float32')
    const shape = concreteShape(x.shape, name).map((size, axis) => noise?.[axis] ?? size)
    const keep = cast(b, b.op('GreaterOrEqual', [random.uniform(b, shape, 16), b.scalar(rate)]), 'float32')
    const scale = ((1 - rate) * (1 + rate * FLOOR ** 2)) ** -0.5
    const dropped = m.add(m.mul(x, keep), m.mul(m.sub(1, keep), FLOOR))
    return { outputs: [m.add(m.mul(dropped, scale), -scale * FLOOR * rate)] }
  },
})
