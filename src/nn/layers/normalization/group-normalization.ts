import { RekindleError } from '../../../errors.ts'
import type { Value } from '../../../graph/index.ts'
import { normalizeAxis } from '../../../tensor/index.ts'
import { Formula } from '../../formula.ts'
import { defineLayer } from '../define.ts'
import { featureShape, knownDimension } from '../shapes.ts'
import { AFFINE_DEFAULTS, AFFINE_FIELDS, type AffineConfig, affineSpecs } from './affine.ts'

export interface GroupNormalizationConfig extends AffineConfig {
  /** -1 for a group per channel. */
  readonly groups: number
  readonly axis: number
  readonly epsilon: number
}

/** Normalises each sample's groups of channels by their own mean and variance, then scales and shifts by channel. */
export const groupNormalization = defineLayer<GroupNormalizationConfig>({
  className: 'GroupNormalization',
  defaults: { groups: 32, axis: -1, epsilon: 1e-3, center: true, scale: true, ...AFFINE_DEFAULTS },
  fields: AFFINE_FIELDS,
  supportsMasking: true,
  validate({ groups }, where) {
    if (groups === -1 || (Number.isInteger(groups) && groups > 0)) return
    throw new RekindleError('E_INVALID_CONFIG', 'bad value for groups', {
      where,
      expected: 'a whole number of at least 1, or -1',
      received: JSON.stringify(groups),
    })
  },
  weights: (c) => affineSpecs(c, ([x]) => [knownDimension(x, c.axis, 'GroupNormalization')]),
  call({ b, config, weight, name }, [input]) {
    const x = input as Value
    const m = new Formula(b, x.dtype)
    const sizes = featureShape(x, 'GroupNormalization')
    const channel = normalizeAxis(config.axis, x.shape.length, name)
    const channels = sizes[channel - 1] as number
    const groups = config.groups === -1 ? channels : config.groups
    if (channels % groups !== 0) {
      throw new RekindleError('E_INVALID_SHAPE', `GroupNormalization in ${groups} groups`, {
        expected: 'a number of channels that is a multiple of it',
        received: String(channels),
      })
    }
    const split = (shape: readonly number[]): number[] => [
      ...shape.slice(0, channel),
      groups,
      channels / groups,
      ...shape.slice(channel + 1),
    ]
    const grouped = b.op('Reshape', [x, b.ints(split([0, ...sizes]))])
    const axes = grouped.shape.map((_, axis) => axis).filter((axis) => axis !== 0 && axis !== channel)
    const perChannel = b.ints(split(x.shape.map(() => 1)))
    const spread = (value: Value): Value => b.op('Reshape', [value, perChannel])

    const mean = b.op('ReduceMean', [grouped, b.ints(axes)], { keepdims: 1 })
    const centered = m.sub(grouped, mean)
    const variance = b.op('ReduceMean', [m.square(centered), b.ints(axes)], { keepdims: 1 })
    let y = m.mul(centered, b.op('Reciprocal', [m.sqrt(m.add(variance, config.epsilon))]))
    if (config.scale) y = m.mul(y, spread(weight('gamma')))
    if (config.center) y = m.add(y, spread(weight('beta')))
    return { outputs: [b.op('Reshape', [y, b.ints([0, ...sizes])])] }
  },
})
