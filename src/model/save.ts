import type { CompileSpec, LazyTensor, ModelDoc, OptimizerSlot, TrainingState } from '../formats/doc.ts'
import type { JsonObject } from '../nn/types.ts'
import type { Tensor } from '../tensor/index.ts'
import { weightKeys } from './keys.ts'
import type { Model } from './model.ts'
import type { Variable } from './variable.ts'

/** The live model as a document: architecture, weights, compile settings, optimizer state, position of the run. */
export function modelToDoc(model: Model): ModelDoc {
  model.build()
  const keys = weightKeys(model)
  const { origin } = model
  return {
    format: 'model',
    description: 'a model in memory',
    producer: { name: 'rekindle', version: null },
    architecture: { kind: 'layers', graph: model.toGraph() },
    weights: new Map([...keys].map(([variable, key]) => [key, lazyTensor(() => variable.value, variable)])),
    training: trainingState(model, keys),
    assets: new Map(),
    rawConfig: origin?.raw ?? null,
    warnings: [],
    close: async () => {},
  }
}

function trainingState(model: Model, keys: ReadonlyMap<Variable, string>): TrainingState | null {
  const { compiled, runState } = model
  if (!compiled) return null
  const { optimizer } = compiled
  const compile: CompileSpec = {
    ...compiled.spec,
    optimizer: { class_name: optimizer.className, config: optimizer.config as JsonObject },
  }
  const slots: OptimizerSlot[] = optimizer.slotGroups.flatMap((group) =>
    model.trainableWeights.flatMap((variable) =>
      group.map((slot) => ({
        weight: keys.get(variable) as string,
        slot: slot.name,
        value: lazyTensor(() => optimizer.slot(variable, slot), variable),
      })),
    ),
  )
  return { compile, iterations: optimizer.iterations, slots, run: runState }
}

/** Read when the file is written: training may go on until then. */
function lazyTensor(read: () => Tensor, { dtype, shape }: Variable): LazyTensor {
  return { dtype, shape, load: async () => read() }
}
