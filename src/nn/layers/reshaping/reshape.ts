import { RekindleError } from '../../../errors.ts'
import type { Value } from '../../../graph/index.ts'
import { formatShape, sizeOf } from '../../../tensor/index.ts'
import { defineLayer } from '../define.ts'
import { featureShape } from '../shapes.ts'

export interface ReshapeConfig {
  readonly target_shape: readonly number[]
}

/** [N, …] to [N, ...target_shape]; one target size may be -1 and takes what is left. */
export const reshape = defineLayer<ReshapeConfig>({
  className: 'Reshape',
  defaults: { target_shape: [] },
  required: ['target_shape'],
  validate({ target_shape }, where) {
    const good = Array.isArray(target_shape) && target_shape.every((d) => Number.isInteger(d) && d >= -1)
    if (good && target_shape.filter((d) => d === -1).length <= 1) return
    throw new RekindleError('E_INVALID_CONFIG', 'bad target_shape', {
      where,
      expected: 'whole numbers, at most one of them -1',
      received: JSON.stringify(target_shape),
    })
  },
  call({ b, config, name }, [x]) {
    const target = resolveTarget(featureShape(x as Value, 'Reshape'), config.target_shape, name)
    return { outputs: [b.op('Reshape', [x as Value, b.ints([0, ...target])])] }
  },
})

function resolveTarget(from: readonly number[], target: readonly number[], where: string): number[] {
  const total = sizeOf(from)
  const known = sizeOf(target.filter((d) => d !== -1))
  const resolved = target.map((d) => (d === -1 ? total / known : d))
  if (resolved.every(Number.isInteger) && sizeOf(resolved) === total) return resolved
  throw new RekindleError('E_INVALID_SHAPE', 'Reshape must keep the number of elements', {
    where,
    expected: `a shape of ${total} elements`,
    received: formatShape(target),
  })
}
