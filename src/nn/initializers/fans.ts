import type { Shape } from '../../tensor/index.ts'

/**
 * How many units feed one output of a weight, and how many one input feeds: Keras's `compute_fans`.
 * Kernels of rank 3 and up are convolutions, `[...window, in, out]`.
 */
export function computeFans(
  shape: Shape,
  inputAxes: readonly number[] | null = null,
  outputAxes: readonly number[] | null = null,
): { fanIn: number; fanOut: number } {
  const sizes = (axes: readonly number[]) => axes.reduce((size, axis) => size * (shape.at(axis) ?? 1), 1)
  if (inputAxes && outputAxes) return { fanIn: sizes(inputAxes), fanOut: sizes(outputAxes) }
  if (shape.length === 0) return { fanIn: 1, fanOut: 1 }
  if (shape.length === 1) return { fanIn: sizes([0]), fanOut: sizes([0]) }
  const window = shape.slice(0, -2).reduce((size, dim) => size * dim, 1)
  return { fanIn: sizes([-2]) * window, fanOut: sizes([-1]) * window }
}
