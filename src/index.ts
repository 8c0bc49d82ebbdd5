/**
 * Rekindle: open a saved neural network, see it, run it, keep training it, save it.
 * This is the whole public interface; `rekindle/graph` and `rekindle/bytes` are for those who build on the parts.
 */
export { type ErrorCode, RekindleError } from './errors.ts'
export type { WriteOptions } from './formats/codec.ts'
export type { Json, ModelDoc, ModelWarning, RunState } from './formats/doc.ts'
export { codecForWriting, modelBytes, open, writeModel } from './formats/index.ts'
export type { Callback, Logs, TrainingParams } from './model/callbacks.ts'
export { History } from './model/callbacks.ts'
export { cloneModel, modelFromJson, modelToJson } from './model/clone.ts'
export type { CompileOptions } from './model/compile.ts'
export {
  type ArrayInput,
  type BatchStream,
  type ClassWeight,
  checkArrayOutput,
  type DataInput,
  readArrays,
  writeArrays,
} from './model/data/index.ts'
export { describeModel, type LayerDescription, type ModelDescription } from './model/describe.ts'
export { describeDoc } from './model/describe-doc.ts'
export { input } from './model/input.ts'
export { Layer } from './model/layer.ts'
export { layers } from './model/layers/index.ts'
export { type LoadOptions, loadModel, loadWeights, modelFromDoc } from './model/load.ts'
export { Model } from './model/model.ts'
export { clearSession } from './model/names.ts'
export type { Optimizer } from './model/optimizer.ts'
export { setRandomSeed } from './model/seeds.ts'
export { Sequential } from './model/sequential.ts'
export type { SymbolicTensor } from './model/symbolic.ts'
export type { FitOptions } from './model/training/fit.ts'
export { constraints } from './nn/constraints.ts'
export { initializers } from './nn/initializers/index.ts'
export { losses } from './nn/losses/index.ts'
export { metrics } from './nn/metrics/index.ts'
export { optimizers } from './nn/optimizers/index.ts'
export { regularizers } from './nn/regularizers.ts'
export { type DType, Tensor, tensor } from './tensor/index.ts'
