import { Builder, type OpTable } from '../graph/index.ts'
import { ACTIVATION } from './activation.ts'
import { CAST } from './cast.ts'
import { COMPARE } from './compare.ts'
import { CONTROL_FLOW } from './control-flow.ts'
import { CONVOLVE } from './convolve.ts'
import { ELEMENTWISE } from './elementwise.ts'
import { GATHER } from './gather.ts'
import { GENERATE } from './generate.ts'
import { MATMUL } from './matmul.ts'
import { NORMALIZE } from './normalize.ts'
import { ORDER } from './order.ts'
import { RECURRENT } from './recurrent.ts'
import { REDUCE } from './reduce.ts'
import { RESHAPE } from './reshape.ts'
import { SLICE } from './slice.ts'
import { UNARY } from './unary.ts'

/** All that the house knows about operators. A missing one does not compile. */
export const OPS: OpTable = {
  ...ELEMENTWISE,
  ...UNARY,
  ...COMPARE,
  ...ACTIVATION,
  ...CAST,
  ...REDUCE,
  ...RESHAPE,
  ...SLICE,
  ...GATHER,
  ...GENERATE,
  ...ORDER,
  ...MATMUL,
  ...NORMALIZE,
  ...CONVOLVE,
  ...RECURRENT,
  ...CONTROL_FLOW,
}

/** An empty graph to write, with the operators of the house. */
export function newBuilder(): Builder {
  return new Builder(OPS)
}
