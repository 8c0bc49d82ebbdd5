import { RekindleError } from '../../../errors.ts'
import type { Builder, Value } from '../../../graph/index.ts'
import { shapeOf } from '../../../ops/math.ts'
import { normalizeAxis } from '../../../tensor/index.ts'
import { cast } from '../../formula.ts'
import { defineLayer } from '../define.ts'
import { anyAlongLast, overFeatures } from '../masks.ts'

export interface ConcatenateConfig {
  readonly axis: number
}

/** Joins its inputs along an axis. */
export const concatenate = defineLayer<ConcatenateConfig>({
  className: 'Concatenate',
  defaults: { axis: -1 },
  call({ b, config, name }, inputs, { masks }) {
    const [first] = inputs
    if (!first) throw new RekindleError('E_INVALID_SHAPE', 'Concatenate needs a list of inputs', { where: name })
    const axis = normalizeAxis(config.axis, first.shape.length, name)
    return { outputs: [b.op('Concat', inputs, { axis })], masks: [joinMasks(b, inputs, masks, axis)] }
  },
})

/** Keras: masks in the inputs' own shapes, ones where there is none, joined; a step counts if any feature does. */
function joinMasks(b: Builder, inputs: readonly Value[], masks: readonly (Value | null)[], axis: number): Value | null {
  if (inputs.every((_, i) => !masks[i])) return null
  const full = inputs.map((x, i) => {
    const mask = masks[i]
    if (mask && mask.shape.length >= x.shape.length) return cast(b, mask, 'bool')
    const flags = mask ? overFeatures(b, mask) : b.scalar(true, 'bool')
    return b.op('Expand', [flags, shapeOf(b, x)])
  })
  return anyAlongLast(b, b.op('Concat', full, { axis }))
}
