import { RekindleError } from '../../../errors.ts'
import { concreteShape, type Value } from '../../../graph/index.ts'
import { Formula } from '../../formula.ts'
import { normalNumbers } from '../../normal.ts'
import { defineLayer } from '../define.ts'

export interface GaussianDropoutConfig {
  readonly rate: number
  readonly seed: number | null
}

export interface GaussianNoiseConfig {
  readonly stddev: number
  readonly seed: number | null
}

/** In training, multiplies by normal numbers of mean 1 and deviation `√(rate / (1 - rate))`. */
export const gaussianDropout = defineLayer<GaussianDropoutConfig>({
  className: 'GaussianDropout',
  defaults: { rate: 0.5, seed: null },
  required: ['rate'],
  supportsMasking: true,
  validate: ({ rate }, where) => requireBelow(rate, 1, 'rate', where),
  call({ b, config, training, random, name }, [input]) {
    const x = input as Value
    if (!training || config.rate === 0) return { outputs: [x] }
    const m = new Formula(b, 'float32')
    const noise = m.mul(
      normalNumbers(b, random, concreteShape(x.shape, name)),
      Math.sqrt(config.rate / (1 - config.rate)),
    )
    return { outputs: [m.mul(x, m.add(noise, 1))] }
  },
})

/** In training, adds normal numbers of deviation `stddev`. */
export const gaussianNoise = defineLayer<GaussianNoiseConfig>({
  className: 'GaussianNoise',
  defaults: { stddev: 1, seed: null },
  required: ['stddev'],
  supportsMasking: true,
  validate: ({ stddev }, where) => requireBelow(stddev, Number.POSITIVE_INFINITY, 'stddev', where),
  call({ b, config, training, random, name }, [input]) {
    const x = input as Value
    if (!training || config.stddev === 0) return { outputs: [x] }
    const m = new Formula(b, 'float32')
    return { outputs: [m.add(x, m.mul(normalNumbers(b, random, concreteShape(x.shape, name)), config.stddev))] }
  },
})

function requireBelow(value: unknown, bound: number, key: string, where: string): void {
  if (typeof value === 'number' && value >= 0 && value < bound) return
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key}`, {
    where,
    expected: bound === 1 ? 'a number from 0 to below 1' : 'a number of at least 0',
    received: JSON.stringify(value),
  })
}
