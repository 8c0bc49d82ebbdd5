import { RekindleError } from '../../errors.ts'
import { Tensor } from '../../tensor/index.ts'
import type { Compiled } from '../compile.ts'
import {
  type ArrayInput,
  Batches,
  type BatchStream,
  type ClassWeight,
  checkSampleWeights,
  classWeights,
  type DataInput,
  fitTensor,
  isBatchStream,
  sharedRows,
  splitValidation,
  streamBatches,
  type TensorSpec,
  toTensors,
} from '../data/index.ts'
import type { StepTensors } from './trainer.ts'

/** Data of a training or evaluation, checked against the model. */
export interface Dataset {
  /** Rows, or null for a stream. */
  readonly rows: number | null
  readonly steps: number | null
  /** Shapes of the targets by output, for resolving `accuracy`; for a stream known from its first batch. */
  readonly targetShapes: readonly (readonly number[] | null)[] | null
  epoch(options: { order?: ArrayLike<number>; skip?: number }): AsyncIterable<DatasetBatch> | Iterable<DatasetBatch>
}

export interface DatasetBatch {
  readonly index: number
  readonly rows: number
  readonly tensors: StepTensors
}

export interface DatasetOptions {
  readonly batchSize: number
  readonly sampleWeight?: DataInput | undefined
  readonly classWeight?: ClassWeight | undefined
  readonly validationSplit?: number | undefined
}

/** Arrays in the order x, y (of the outputs with targets), sample weights (likewise). */
interface Arrays {
  readonly x: readonly Tensor[]
  readonly y: readonly (Tensor | null)[]
  readonly sampleWeights: readonly (Tensor | null)[]
}

/**
 * The data of `fit` and `evaluate`, and what a validation split takes off its end.
 *
 * @throws RekindleError that names the argument, what was expected and what was received.
 */
export async function prepareData(
  x: DataInput | BatchStream,
  y: DataInput | undefined,
  compiled: Compiled,
  inputs: readonly TensorSpec[],
  options: DatasetOptions,
): Promise<{ train: Dataset; validation: Dataset | null }> {
  compiled.requireLoss()
  if (isBatchStream(x)) {
    if (y !== undefined || options.validationSplit) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'a stream of batches brings its own targets', {
        where: y === undefined ? 'validationSplit' : 'y',
      })
    }
    return { train: streamDataset(x, compiled, inputs, options), validation: null }
  }
  const arrays = await readArrays(x, y, compiled, inputs, options)
  const split = options.validationSplit ?? 0
  if (split === 0) return { train: arrayDataset(arrays, options.batchSize), validation: null }
  const flat = [...arrays.x, ...arrays.y, ...arrays.sampleWeights]
  const present = flat.filter((tensor) => tensor !== null)
  const { train, validation } = splitValidation(present, split)
  const part = (tensors: readonly Tensor[]): Arrays => {
    let next = 0
    const take = (tensor: Tensor | null): Tensor | null => tensor && (tensors[next++] as Tensor)
    return {
      x: arrays.x.map((tensor) => take(tensor) as Tensor),
      y: arrays.y.map(take),
      sampleWeights: arrays.sampleWeights.map(take),
    }
  }
  return {
    train: arrayDataset(part(train), options.batchSize),
    validation: arrayDataset(part(validation), options.batchSize),
  }
}

async function readArrays(
  x: DataInput,
  y: DataInput | undefined,
  compiled: Compiled,
  inputs: readonly TensorSpec[],
  { sampleWeight, classWeight }: DatasetOptions,
): Promise<Arrays> {
  const targeted = compiled.targets.flatMap((wanted, i) => (wanted ? [i] : []))
  if (y === undefined) throw new RekindleError('E_INVALID_DATA', 'no targets', { where: 'y' })
  const xs = await toTensors(x, inputs, 'x')
  const given = await toTensors(
    forTargets(y, compiled, targeted),
    targeted.map((i) => compiled.targetSpec(i)),
    'y',
  )
  const where = targeted.map((i) => (targeted.length === 1 ? 'y' : `y.${compiled.outputs[i]?.name}`))
  sharedRows([
    ...xs.map((tensor, i) => ({ where: xs.length === 1 ? 'x' : `x.${inputs[i]?.name}`, tensor })),
    ...given.map((tensor, k) => ({ where: where[k] as string, tensor })),
  ])
  const ys = given.map((tensor, k) => bindTargets(compiled, targeted[k] as number, tensor, where[k] as string))
  const weights = await readWeights(ys, targeted, compiled, sampleWeight, classWeight)
  const spread = (tensors: readonly (Tensor | null)[]): (Tensor | null)[] =>
    compiled.outputs.map((_, i) => tensors[targeted.indexOf(i)] ?? null)
  return { x: xs, y: spread(ys), sampleWeights: spread(weights) }
}

/** A list with an array for every output, of which some have neither loss nor metrics, loses those arrays. */
function forTargets(data: DataInput, compiled: Compiled, targeted: readonly number[]): DataInput {
  const { length } = compiled.outputs
  if (!Array.isArray(data) || data.length !== length || targeted.length === length) return data
  // One wanted array could be a nested array itself, with as many rows as the model has outputs.
  const list = targeted.length > 1 || (data as readonly unknown[]).every(isWholeArray)
  return list ? targeted.map((i) => (data as readonly ArrayInput[])[i] as ArrayInput) : data
}

function isWholeArray(data: unknown): boolean {
  return data instanceof Tensor || ArrayBuffer.isView(data) || typeof data === 'string'
}

/** One array of weights counts for all outputs, as in Keras. */
function weightsForTargets(data: DataInput, compiled: Compiled, targeted: readonly number[]): DataInput {
  const flat = Array.isArray(data) && data.every((weight) => typeof weight === 'number')
  if (isWholeArray(data) || flat) return targeted.length > 1 ? targeted.map(() => data as ArrayInput) : data
  return forTargets(data, compiled, targeted)
}

/** Lets the targets decide what a loss by shape means, and checks them against it. */
function bindTargets(compiled: Compiled, output: number, targets: Tensor, where: string): Tensor {
  compiled.bindTargets(output, targets.shape)
  const fitting = fitTensor(targets, compiled.targetSpec(output), where)
  compiled.checkTargets(output, fitting, where)
  return fitting
}

/** Sample weights per target; class weights are multiplied in, as Keras does for a single output. */
async function readWeights(
  ys: readonly Tensor[],
  targeted: readonly number[],
  compiled: Compiled,
  sampleWeight: DataInput | undefined,
  classWeight: ClassWeight | undefined,
): Promise<(Tensor | null)[]> {
  const weights: (Tensor | null)[] = ys.map(() => null)
  if (sampleWeight !== undefined) {
    const specs = targeted.map(
      (i): TensorSpec => ({
        name: compiled.outputs[i]?.name ?? 'output',
        dtype: 'float32',
        shape: null,
      }),
    )
    const given = await toTensors(weightsForTargets(sampleWeight, compiled, targeted), specs, 'sampleWeight')
    given.forEach((tensor, i) => {
      checkSampleWeights(tensor, ys[i] as Tensor, 'sampleWeight')
      weights[i] = tensor
    })
  }
  if (classWeight !== undefined) {
    if (ys.length !== 1) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'class weights are for models with one output', {
        where: 'classWeight',
      })
    }
    const byClass = classWeights(ys[0] as Tensor, classWeight)
    const given = weights[0]
    if (given && given.shape.length > 1) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'class weights and a weight per step do not go together', {
        where: 'classWeight',
      })
    }
    if (given) {
      for (let i = 0; i < byClass.size; i++) (byClass.data[i] as number) *= Number(given.data[i])
    }
    weights[0] = byClass
  }
  return weights
}

function arrayDataset({ x, y, sampleWeights }: Arrays, batchSize: number): Dataset {
  const places = [...x, ...y, ...sampleWeights]
  const arrays = places.filter((tensor) => tensor !== null)
  const batches = new Batches(arrays, { batchSize })
  const views = new WeakMap<Tensor, StepTensors>()
  // One StepTensors per batch size: the batcher hands out the same tensors for every full batch.
  const stepTensors = (tensors: readonly Tensor[]): StepTensors => {
    const first = tensors[0] as Tensor
    const known = views.get(first)
    if (known) return known
    let next = 0
    const take = (tensor: Tensor | null): Tensor | null => tensor && (tensors[next++] as Tensor)
    const made = {
      x: x.map((tensor) => take(tensor) as Tensor),
      y: y.map(take),
      sampleWeights: sampleWeights.map(take),
    }
    views.set(first, made)
    return made
  }
  return {
    rows: batches.rows,
    steps: batches.steps,
    targetShapes: y.map((tensor) => tensor?.shape ?? null),
    *epoch(options) {
      const step = { index: 0, rows: 0, tensors: null as unknown as StepTensors }
      for (const batch of batches.epoch(options)) {
        step.index = batch.index
        step.rows = batch.rows
        step.tensors = stepTensors(batch.tensors)
        yield step
      }
    },
  }
}

function streamDataset(
  stream: BatchStream,
  compiled: Compiled,
  inputs: readonly TensorSpec[],
  { classWeight }: DatasetOptions,
): Dataset {
  const targeted = compiled.targets.flatMap((wanted, i) => (wanted ? [i] : []))
  const specs = {
    x: inputs,
    y: targeted.map((i) => compiled.targetSpec(i)),
    sampleWeight: targeted.map((i) => ({
      name: compiled.outputs[i]?.name ?? 'output',
      dtype: 'float32' as const,
      shape: null,
    })),
  }
  const spread = (tensors: readonly (Tensor | null)[]): (Tensor | null)[] =>
    compiled.outputs.map((_, i) => tensors[targeted.indexOf(i)] ?? null)
  return {
    rows: null,
    steps: null,
    targetShapes: null,
    async *epoch({ skip = 0 }) {
      for await (const batch of streamBatches(stream, specs, skip)) {
        const ys = (batch.y ?? []).map((tensor, k) =>
          bindTargets(compiled, targeted[k] as number, tensor, `batch ${batch.index}, y`),
        )
        batch.sampleWeight?.forEach((weights, k) => {
          checkSampleWeights(weights, ys[k] as Tensor, `batch ${batch.index}, sampleWeight`)
        })
        const weights = classWeight ? [classWeights(ys[0] as Tensor, classWeight)] : (batch.sampleWeight ?? [])
        const tensors = { x: batch.x, y: spread(ys), sampleWeights: spread(weights) }
        yield { index: batch.index, rows: batch.rows, tensors }
      }
    },
  }
}
