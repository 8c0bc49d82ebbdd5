export {
  allocateParameters,
  type Floats,
  type ParameterLayout,
  type ParameterMemory,
  type WasmBlocks,
} from './memory.ts'
export {
  createOptimizerStep,
  type OptimizerProgram,
  type OptimizerStep,
  type OptimizerStepOptions,
  slotFills,
} from './optimizer-step.ts'
export { createQueue } from './queue.ts'
export { chooseThreads, workOf } from './threads.ts'
export type { Engine, Feeds, Session, SessionOptions } from './types.ts'
