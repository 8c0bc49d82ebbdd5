import type { Builder, Type, Value } from '../../../graph/index.ts'
import { normalizeAxis } from '../../../tensor/index.ts'
import { knownDimension } from '../shapes.ts'

export type Axes = number | readonly number[]

/** Sorted as Keras sorts them, negative ones included. */
export function axisList(axis: Axes): readonly number[] {
  return typeof axis === 'number' ? [axis] : [...axis].sort((a, c) => a - c)
}

/** Sizes of the axes: the shape of a layer's gamma and beta. */
export function axisSizes(type: Type | undefined, axis: Axes, layer: string): number[] {
  return axisList(axis).map((a) => knownDimension(type, a, layer))
}

export function positiveAxes(x: Value, axis: Axes, where: string): number[] {
  return axisList(axis).map((a) => normalizeAxis(a, x.shape.length, where))
}

/** A weight with a size for each of the axes, shaped to broadcast over the input. */
export function alongAxes(b: Builder, weight: Value, x: Value, axes: readonly number[]): Value {
  const rank = x.shape.length
  if (axes.every((axis, i) => axis === rank - axes.length + i)) return weight
  return b.op('Reshape', [weight, b.ints(x.shape.map((_, i) => (axes.includes(i) ? (x.shape[i] as number) : 1)))])
}
