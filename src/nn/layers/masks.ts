import type { Builder, Value } from '../../graph/index.ts'
import { cast, reduce } from '../formula.ts'

/** Is any flag along the last axis set? That axis goes. */
export function anyAlongLast(b: Builder, flags: Value): Value {
  const last = flags.shape.length - 1
  return cast(b, reduce(b, 'ReduceMax', cast(b, flags, 'float32'), [last]), 'bool')
}

/** Where the values differ from a number: bool. */
export function differs(b: Builder, x: Value, from: Value): Value {
  return b.op('Not', [b.op('Equal', [x, from])])
}

/** A mask with one more axis at the end, as bool: it broadcasts over the features. */
export function overFeatures(b: Builder, mask: Value): Value {
  return b.op('Unsqueeze', [cast(b, mask, 'bool'), b.ints([-1])])
}
