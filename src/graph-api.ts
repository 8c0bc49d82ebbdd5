/**
 * `rekindle/graph`: graphs of ONNX operators for those who build their own. A `Builder` (from `newBuilder`) writes a
 * graph operator by operator with inferred types; `gradients` differentiates it; `encodeModel` and `decodeModel` are
 * the way to and from ONNX files; `verify` and `printGraph` say what a graph is.
 *
 * ```ts
 * const b = newBuilder()
 * const x = b.input('x', 'float32', ['batch', 4])
 * const y = b.op('Tanh', [x])
 * const bytes = encodeModel(b.build([y]))
 * ```
 */
export {
  type AttrsOf,
  type Builder,
  type Dim,
  type Graph,
  type Node,
  OPSET,
  type OpName,
  type OpTable,
  printGraph,
  type Type,
  type Value,
  verify,
} from './graph/index.ts'
export { decodeModel, type EncodeOptions, encodeModel, encodeModelChunks } from './onnx/index.ts'
export { newBuilder, OPS } from './ops/index.ts'
export {
  clipGradients,
  foldConstants,
  gradients,
  optimizeGraph,
  removeDeadCode,
  simplify,
  zeroGradients,
} from './passes/index.ts'
