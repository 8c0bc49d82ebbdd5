import { RekindleError } from '../../errors.ts'
import type { Type } from '../../graph/index.ts'
import { formatShape, normalizeAxis } from '../../tensor/index.ts'

/** Size of the last axis: the features that a kernel is made for. It must be known, and there must be a batch axis. */
export function lastDimension(type: Type | undefined, layer: string): number {
  return knownDimension(type, -1, layer)
}

/** A known size of one axis other than the batch. */
export function knownDimension(type: Type | undefined, axis: number, layer: string): number {
  const shape = type?.shape ?? []
  if (shape.length < 2) {
    throw new RekindleError('E_INVALID_SHAPE', `${layer} needs a batch axis and at least one more`, {
      received: formatShape(shape),
    })
  }
  const size = shape[normalizeAxis(axis, shape.length, layer)]
  if (typeof size === 'number') return size
  throw new RekindleError('E_INVALID_SHAPE', `${layer} needs a known size at axis ${axis}`, {
    received: formatShape(shape),
  })
}

/** Sizes after the batch axis, all of which must be known. */
export function featureShape(type: Type | undefined, layer: string): number[] {
  const shape = type?.shape ?? []
  return shape.slice(1).map((_, i) => knownDimension(type, i + 1, layer))
}

/** @throws RekindleError `E_INVALID_SHAPE` unless the input has this many axes, the batch included. */
export function requireAxes(x: Type, rank: number, layer: string): void {
  if (x.shape.length === rank) return
  throw new RekindleError('E_INVALID_SHAPE', `${layer} takes inputs of ${rank} axes`, {
    received: formatShape(x.shape),
  })
}
