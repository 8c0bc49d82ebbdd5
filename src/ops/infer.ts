import type { OpName, Type } from '../graph/index.ts'
import type { DType } from '../tensor/index.ts'
import { broadcastShapes } from './dims.ts'
import type { Inference } from './row.ts'

/** One output of the first input's shape and dtype. */
export function same<K extends OpName>(i: Inference<K>): readonly Type[] {
  return [i.like(i.shape(0))]
}

/** One output of the first input's shape and another dtype. */
export function sameShaped(dtype: DType): <K extends OpName>(i: Inference<K>) => readonly Type[] {
  return (i) => [i.like(i.shape(0), dtype)]
}

/** One output of all inputs broadcast together, of the first input's dtype. */
export function broadcast<K extends OpName>(i: Inference<K>): readonly Type[] {
  return [i.like(broadcastShapes(i.shapes()) ?? i.fail('shapes that broadcast'))]
}

/** The same of another dtype. */
export function broadcastTo(dtype: DType): <K extends OpName>(i: Inference<K>) => readonly Type[] {
  return (i) => [{ dtype, shape: broadcastShapes(i.shapes()) ?? i.fail('shapes that broadcast') }]
}
