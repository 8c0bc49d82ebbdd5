import { RekindleError } from '../errors.ts'
import type { LazyTensor, ModelDoc, ModelWarning, TrainingState } from '../formats/doc.ts'
import { matchWeights, type OpenInput, open } from '../formats/index.ts'
import { formatShape, sameShape } from '../tensor/index.ts'
import { Compiled } from './compile.ts'
import { weightKeys } from './keys.ts'
import { buildIfRunnable, modelFromGraph } from './load-graph.ts'
import type { Model } from './model.ts'
import type { Variable } from './variable.ts'

export interface LoadOptions {
  /** Takes the weights from another file than the architecture. */
  readonly weights?: OpenInput
  /** False leaves the model uncompiled. Default true: as the file says. */
  readonly compile?: boolean
  /** Is told everything that could not be taken over. */
  readonly onWarning?: (warning: ModelWarning) => void
}

/**
 * A live model from a file, with its weights, its compile settings and the state of its optimizer.
 * Unknown layers load; only running them throws.
 *
 * @throws RekindleError for a file that cannot be read, and for weights without an architecture.
 */
export async function loadModel(input: OpenInput, options: LoadOptions = {}): Promise<Model> {
  const doc = await open(input)
  try {
    const apart = options.weights !== undefined
    const model = await modelFromDoc(apart ? { ...doc, weights: new Map() } : doc, {
      ...options,
      requireWeights: !apart,
      ...(typeof input === 'string' && { where: input }),
    })
    if (options.weights !== undefined) await loadWeights(model, options.weights, options)
    return model
  } finally {
    await doc.close()
  }
}

/** A live model from an open document. The document may be closed afterwards. */
export async function modelFromDoc(
  doc: ModelDoc,
  options: Omit<LoadOptions, 'weights'> & { readonly requireWeights?: boolean; readonly where?: string } = {},
): Promise<Model> {
  const { compile = true, onWarning = () => {}, requireWeights = true } = options
  if (doc.architecture.kind !== 'layers') {
    throw new RekindleError('E_INVALID_FILE', 'the file holds no architecture', {
      ...(options.where !== undefined && { where: options.where }),
      expected: 'a whole model',
      received: doc.description,
      hint: 'load the architecture from another file and give this one as weights',
    })
  }
  for (const warning of doc.warnings) onWarning(warning)
  const model = modelFromGraph(doc.architecture.graph)
  if (!model.network) return model
  const obstacle = buildIfRunnable(model)
  if (obstacle) {
    onWarning({ code: 'unsupported-layer', message: obstacle.message })
    return model
  }
  if (requireWeights) await assignWeights(model, doc, onWarning)
  if (doc.training && compile) await restoreTraining(model, doc.training, onWarning)
  return model
}

/**
 * Takes weights from a file into a model: by name, by the paths of `.weights.h5`, or in the order of the layers when
 * they have other names.
 *
 * @throws RekindleError `E_INVALID_WEIGHTS` that lists what is missing or of another shape; then nothing has changed.
 */
export async function loadWeights(
  model: Model,
  input: OpenInput,
  options: Pick<LoadOptions, 'onWarning'> = {},
): Promise<void> {
  const doc = await open(input)
  try {
    model.build()
    await assignWeights(model, doc, options.onWarning ?? (() => {}))
  } finally {
    await doc.close()
  }
}

/** All or nothing: shapes are compared before the first weight changes. */
async function assignWeights(model: Model, doc: ModelDoc, onWarning: (warning: ModelWarning) => void): Promise<void> {
  const { weights, warnings } = matchWeights(model.toGraph(), doc)
  for (const warning of warnings) onWarning(warning)
  const pairs = [...weightKeys(model)].map(([variable, key]): [Variable, LazyTensor] => {
    const tensor = weights.get(key)
    if (!tensor) throw new RekindleError('E_INVALID_WEIGHTS', 'no weights in the file', { where: key })
    if (!sameShape(tensor.shape, variable.shape)) {
      throw new RekindleError('E_INVALID_WEIGHTS', 'weight of another shape', {
        where: key,
        expected: formatShape(variable.shape),
        received: formatShape(tensor.shape),
      })
    }
    return [variable, tensor]
  })
  for (const [variable, tensor] of pairs) variable.assign(await tensor.load())
}

async function restoreTraining(
  model: Model,
  training: TrainingState,
  onWarning: (warning: ModelWarning) => void,
): Promise<void> {
  model.runState = training.run
  if (!training.compile) return
  try {
    const leftOut = (message: string): void => onWarning({ code: 'metric-left-out', message })
    model.applyCompile(new Compiled(training.compile, model.outputSpecs, leftOut))
  } catch (error) {
    if (!(error instanceof RekindleError)) throw error
    onWarning({
      code: 'not-compiled',
      message: `the training settings of the file could not be taken over: ${error.message}. Call compile() to train`,
    })
    return
  }
  await restoreOptimizer(model, training, onWarning)
}

async function restoreOptimizer(
  model: Model,
  training: TrainingState,
  onWarning: (warning: ModelWarning) => void,
): Promise<void> {
  const { optimizer } = model
  optimizer.iterations = training.iterations ?? 0
  if (training.slots.length === 0) return
  const variables = new Map([...weightKeys(model)].map(([variable, key]) => [key, variable]))
  const slotDefs = new Map(optimizer.slotDefs.map((slot) => [slot.name, slot]))
  for (const { weight, slot, value } of training.slots) {
    const variable = weight === null ? undefined : variables.get(weight)
    const def = slotDefs.get(slot)
    if (!variable || !def || !sameShape(value.shape, variable.shape)) {
      onWarning({ code: 'optimizer-slot', message: `the optimizer's ${slot} of ${weight} has no place here` })
      continue
    }
    ;(optimizer.slot(variable, def).data as Float32Array).set((await value.load()).data as Float32Array)
  }
}
