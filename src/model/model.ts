/// <reference lib="esnext.disposable" preserve="true" />
import { loadEngine } from '#engine'
import { describeValue, RekindleError } from '../errors.ts'
import type { WriteOptions } from '../formats/codec.ts'
import type { CompileSpec, LayerSpec, ModelDoc, RunState } from '../formats/doc.ts'
import { kerasJson, writeModel } from '../formats/index.ts'
import type { Type } from '../graph/index.ts'
import { resolveOptimizer } from '../nn/optimizers/index.ts'
import type { Identifier, Json, Tree } from '../nn/types.ts'
import { createQueue, type Engine } from '../runtime/index.ts'
import type { DType, Tensor } from '../tensor/index.ts'
import type { History, Logs } from './callbacks.ts'
import { Compiled, type CompileOptions, compileSpec, type OutputSpec } from './compile.ts'
import type { BatchStream, DataInput, TensorSpec } from './data/index.ts'
import { isBatchStream, sharedRows, streamBatches, toTensors } from './data/index.ts'
import { Layer } from './layer.ts'
import { automaticName } from './names.ts'
import { type Network, networkToGraph, traceNetwork } from './network.ts'
import { networkInputs, networkOutputs } from './network-types.ts'
import type { Optimizer } from './optimizer.ts'
import { checkOptions, type OptionNames } from './options.ts'
import { arrangeInputs, portNames } from './ports.ts'
import { summaryText } from './summary.ts'
import { type CallKeywords, requireSymbolic, type SymbolicTensor } from './symbolic.ts'
import { type BatchOptions, trainBatch } from './training/batch.ts'
import { evaluateDataset } from './training/evaluate.ts'
import { type FitOptions, fit as runFit } from './training/fit.ts'
import { prepareData } from './training/inputs.ts'
import { Predictor } from './training/predict.ts'
import { Trainer } from './training/trainer.ts'
import type { Variable } from './variable.ts'

export interface EvaluateOptions {
  readonly batchSize?: number
  readonly sampleWeight?: DataInput
  readonly signal?: AbortSignal
  /** Nothing is ever printed: 0 is accepted because Keras's programs say so. */
  readonly verbose?: 0
}

const EVALUATE_OPTIONS: OptionNames<EvaluateOptions> = {
  batchSize: true,
  sampleWeight: true,
  signal: true,
  verbose: true,
}

export interface PredictOptions {
  /** Rows per run. Default 32. */
  readonly batchSize?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (rows: number, of: number) => void
  /** Nothing is ever printed: 0 is accepted because Keras's programs say so. */
  readonly verbose?: 0
}

const PREDICT_OPTIONS: OptionNames<PredictOptions> = { batchSize: true, signal: true, onProgress: true, verbose: true }

/** The shape of a batch (`[null, 784]`), or the types of the inputs of a call. */
export type BuildInputs = readonly (number | null)[] | readonly Type[]

/** What a model's input or output looks like from outside; null is a free size. */
export interface PortInfo {
  readonly name: string
  readonly dtype: Type['dtype']
  readonly shape: readonly (number | null)[]
}

/**
 * A network that can be run, trained and saved; a layer when it is called inside another model.
 * Built from symbolic tensors: `new Model({ inputs, outputs })`.
 */
export class Model extends Layer {
  /** The last `fit`'s history. */
  history: History | null = null
  /** Set it in a callback to stop after the step at hand. */
  stopTraining = false
  /** Where training stands: seed, steps and epochs done. Null before the first `fit`. */
  runState: RunState | null = null
  #network: Network | undefined
  #compiled: Compiled | null = null
  /** Settings of a Sequential that does not know its input shape yet. */
  #waitingSpec: CompileSpec | null = null
  #trainer: Trainer | null = null
  /** The `trainable` flags of all layers that the trainer was made for. */
  #trainerFlags = ''
  #predictor: { session: Predictor; version: number } | null = null
  #fitting = false

  constructor(options: {
    readonly inputs: Tree<SymbolicTensor>
    readonly outputs: Tree<SymbolicTensor>
    readonly name?: string
  })
  /** For subclasses and readers: a model around a finished (or still missing) network. */
  constructor(options: {
    readonly network: Network | undefined
    readonly className: string
    readonly name?: string
    readonly origin?: LayerSpec
  })
  constructor(
    options:
      | { inputs: Tree<SymbolicTensor>; outputs: Tree<SymbolicTensor>; name?: string }
      | { network: Network | undefined; className: string; name?: string; origin?: LayerSpec },
  ) {
    if (typeof options !== 'object' || options === null || !('inputs' in options || 'network' in options)) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'a model is made from inputs and outputs', {
        expected: '{ inputs, outputs }',
        received: describeValue(options),
      })
    }
    const traced = 'inputs' in options
    if (traced) {
      requireSymbolic(options.inputs, 'inputs')
      requireSymbolic(options.outputs, 'outputs')
    }
    const className = traced ? 'Functional' : options.className
    super(className, options.name ?? automaticName(className), {}, undefined, traced ? undefined : options.origin)
    this.#network = traced ? traceNetwork(options.inputs, options.outputs) : options.network
  }

  override get network(): Network | undefined {
    return this.#network
  }

  /** Replaces the network: a Sequential that grows or learns its input shape. It has to be compiled anew. */
  protected setNetwork(network: Network | undefined): void {
    this.#refuseWhileFitting('its layers cannot change')
    this.#network = network
    this.#compiled = null
    this.#letGo()
    const waiting = this.#waitingSpec
    if (!network || !waiting) return
    this.#waitingSpec = null
    this.applyCompile(new Compiled(waiting, this.outputSpecs))
  }

  /** The layers in Keras's order. */
  get layers(): readonly Layer[] {
    return this.#network?.layers ?? []
  }

  /** @throws RekindleError `E_INVALID_ARGUMENT` that lists the layers there are. */
  getLayer(nameOrIndex: string | number): Layer {
    const { layers } = this
    const found =
      typeof nameOrIndex === 'number' ? layers.at(nameOrIndex) : layers.find(({ name }) => name === nameOrIndex)
    if (found) return found
    throw new RekindleError('E_INVALID_ARGUMENT', `no layer ${nameOrIndex}`, {
      where: this.name,
      expected: layers.map(({ name }) => name).join(', '),
    })
  }

  override get weights(): readonly Variable[] {
    return [...new Set(this.layers.flatMap((layer) => layer.weights))]
  }

  override get trainableWeights(): readonly Variable[] {
    return this.trainable ? [...new Set(this.layers.flatMap((layer) => layer.trainableWeights))] : []
  }

  override get built(): boolean {
    return this.layers.every((layer) => layer.built) && this.#network !== undefined
  }

  /** Creates all weights. A Sequential without an input shape learns it here. */
  override build(_inputs: BuildInputs = []): void {
    if (!this.built) networkOutputs(this.requireNetwork())
  }

  get inputs(): readonly PortInfo[] {
    const network = this.requireNetwork()
    const names = portNames(network, network.inputs)
    return networkInputs(network).map((type, i) => portInfo(names[i] as string, type))
  }

  get outputs(): readonly PortInfo[] {
    return this.outputSpecs.map(({ name, type }) => portInfo(name, type))
  }

  get inputSpecs(): readonly TensorSpec[] {
    return this.inputs
  }

  /** Keras's output names: the keys of a dictionary, else those of the layers that make them. */
  get outputSpecs(): readonly OutputSpec[] {
    const network = this.requireNetwork()
    const names = portNames(network, network.outputs)
    return networkOutputs(network).map((type, i) => ({ name: names[i] as string, type }))
  }

  /** Calls the model like a layer. A dictionary goes by the names of the inputs. */
  override call(inputs: Tree<SymbolicTensor>, kwargs: CallKeywords = {}): Tree<SymbolicTensor> {
    const own = this.#network?.inputs
    return super.call(own ? arrangeInputs(inputs, own, this.inputs, this.name) : inputs, kwargs)
  }

  /**
   * Sets optimizer, loss and metrics, in Keras's names. A new call starts with a fresh optimizer. A Sequential without
   * an input shape is compiled when it sees its first data.
   * @throws RekindleError for names that are unknown or do not fit the outputs.
   */
  compile(options: CompileOptions = {}): void {
    const spec = compileSpec(options)
    if (this.#network) {
      this.applyCompile(new Compiled(spec, this.outputSpecs))
      return
    }
    // Checks what can be checked; the outputs are known when the first data has been seen.
    resolveOptimizer(spec.optimizer as Exclude<Identifier, null>)
    this.#waitingSpec = spec
  }

  /** Takes over resolved settings: `compile` and the reader of files. */
  applyCompile(compiled: Compiled): void {
    this.#refuseWhileFitting('it cannot be compiled')
    this.#compiled = compiled
    this.#letGo()
  }

  #closing: Promise<unknown> = Promise.resolve()

  /** Gives up what was made for the old network or settings. */
  #letGo(): void {
    const [trainer, predictor] = [this.#trainer, this.#predictor]
    this.#trainer = null
    this.#predictor = null
    if (trainer || predictor) {
      this.#closing = Promise.all([this.#closing, trainer?.dispose(), predictor?.session.close()])
    }
  }

  #refuseWhileFitting(what: string): void {
    if (!this.#fitting) return
    throw new RekindleError('E_INVALID_STATE', `the model is in training: ${what} now`, {
      where: this.name,
      hint: 'wait for fit to end, or stop it by stopTraining or its signal',
    })
  }

  get isCompiled(): boolean {
    return this.#compiled !== null || this.#waitingSpec !== null
  }

  get compiled(): Compiled | null {
    return this.#compiled
  }

  /** @throws RekindleError `E_INVALID_STATE` before `compile`. */
  get optimizer(): Optimizer {
    return this.requireCompiled().optimizer
  }

  /**
   * Trains for the epochs from `initialEpoch` to `epochs`.
   *
   * @param x Arrays for the inputs, paths of files, or a stream of `{ x, y }` batches (then without `y`).
   * @returns The history: one number per epoch under Keras's names.
   * @throws RekindleError for data that does not fit, before the first step; `E_NOT_FINITE` when the loss is no
   *   number; `E_ABORTED` after `signal` fired. The model then stands at its last whole step.
   */
  async fit(x: DataInput | BatchStream, y?: DataInput, options: FitOptions = {}): Promise<History> {
    this.#refuseWhileFitting('a second fit cannot begin')
    this.resolveInputs(x)
    this.#fitting = true
    try {
      return await runFit(this, x, y, options)
    } finally {
      this.#fitting = false
    }
  }

  /** Loss and metrics by name over all rows. */
  async evaluate(x: DataInput | BatchStream, y?: DataInput, options: EvaluateOptions = {}): Promise<Logs> {
    checkOptions(options, EVALUATE_OPTIONS, 'evaluate')
    const { batchSize = 32, sampleWeight, signal } = options
    const data = { batchSize, sampleWeight }
    this.resolveInputs(x)
    const { train } = await prepareData(x, y, this.requireCompiled(), this.inputSpecs, data)
    return evaluateDataset(this, train, signal)
  }

  /**
   * The output for all rows. Its type says float32, as all outputs are that come from weights; `predict<'int32'>(…)`
   * for a model that hands whole numbers through.
   * @throws RekindleError `E_INVALID_STATE` for a model of several outputs: `predictAll` gives them.
   */
  async predict<D extends DType = 'float32'>(
    x: DataInput | BatchStream,
    options: PredictOptions = {},
  ): Promise<Tensor<D>> {
    return this.#onlyOutput(await this.predictAll<D>(x, options))
  }

  #onlyOutput<D extends DType>(outputs: readonly Tensor<D>[]): Tensor<D> {
    if (outputs.length === 1) return outputs[0] as Tensor<D>
    throw new RekindleError('E_INVALID_STATE', 'the model has several outputs: use predictAll', {
      expected: 'one output',
      received: this.outputs.map(({ name }) => name).join(', '),
    })
  }

  /** The outputs for all rows, in the order of `outputs`. A stream's batches are taken as they come. */
  async predictAll<D extends DType = 'float32'>(
    x: DataInput | BatchStream,
    options: PredictOptions = {},
  ): Promise<Tensor<D>[]> {
    checkOptions(options, PREDICT_OPTIONS, 'predict')
    const { batchSize = 32, signal, onProgress } = options
    if (isBatchStream(x)) {
      const batches = streamBatches(x, { x: this.inputSpecs })
      return this.#withPredictor<D>((predictor) => predictor.runStream(batches, signal))
    }
    const tensors = await this.#inputTensors(x)
    return this.#withPredictor<D>((predictor) => predictor.run(tensors, batchSize, signal, onProgress))
  }

  /** The output for one batch in one run. */
  async predictOnBatch<D extends DType = 'float32'>(x: DataInput): Promise<Tensor<D>> {
    const tensors = await this.#inputTensors(x)
    const outputs = await this.#withPredictor<D>((predictor) => predictor.runBatch(tensors))
    return this.#onlyOutput(outputs)
  }

  /** One step on one batch; the values are of this batch, from before its update. */
  async trainOnBatch(x: DataInput, y: DataInput, options: BatchOptions = {}): Promise<Logs> {
    this.resolveInputs(x)
    return trainBatch(this, x, y, options)
  }

  /** Layers, shapes and parameters as text. */
  summary(): string {
    return summaryText(this)
  }

  /** The architecture in Keras 3's form: `modelFromJson(JSON.stringify(model))` makes the model again. */
  toJSON(): Json {
    return JSON.parse(kerasJson(this.toGraph())) as Json
  }

  /** The model as a layer of another one's file. */
  override toSpec(): LayerSpec {
    const { className, name, trainable } = this
    const origin = this.origin ?? {}
    return { ...origin, className, name, trainable, config: this.origin?.config ?? {}, graph: this.toGraph() }
  }

  /** The layers and their connections in the form of files. */
  toGraph(): NonNullable<LayerSpec['graph']> {
    return networkToGraph(this.requireNetwork(), this.className, this.name)
  }

  /** Everything that a file can hold of the model. Weights are read when the document is written. */
  async toDoc(): Promise<ModelDoc> {
    const { modelToDoc } = await import('./save.ts')
    return modelToDoc(this)
  }

  /**
   * Writes the model; the extension picks the format (`.keras`, `.h5`, `.weights.h5`, `.npz`). The file appears whole
   * or not at all.
   */
  async save(path: string, options: WriteOptions & { readonly format?: string } = {}): Promise<void> {
    await writeModel(await this.toDoc(), path, options)
  }

  /**
   * Frees sessions and training memory. The model stays usable; they are made anew when needed.
   * @throws RekindleError `E_INVALID_STATE` during `fit`.
   */
  async dispose(): Promise<void> {
    this.#refuseWhileFitting('it cannot be disposed of')
    this.#letGo()
    await this.#closing
  }

  /** `await using model = …` */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** `using model = …` */
  [Symbol.dispose](): void {
    void this.dispose()
  }

  /** The training machinery for the present set of trainable weights. */
  trainer(): Promise<Trainer> {
    return this.#inTurn(() => this.#readyTrainer())
  }

  /** Calls at the same time must not make two trainers on the same weights. */
  readonly #inTurn = createQueue()

  async #readyTrainer(): Promise<Trainer> {
    await this.#closing
    const compiled = this.requireCompiled()
    const trainable = this.trainableWeights
    const current = this.#trainer
    const flags = trainableFlags(this)
    const same =
      flags === this.#trainerFlags &&
      current?.trainable.length === trainable.length &&
      current.trainable.every((v, i) => v === trainable[i])
    if (current && same) return current
    this.#trainer = null
    await current?.dispose()
    this.#trainer = await Trainer.create(await this.engine(), this.requireNetwork(), compiled, trainable)
    this.#trainerFlags = flags
    return this.#trainer
  }

  engine(): Promise<Engine> {
    return loadEngine()
  }

  requireCompiled(): Compiled {
    if (this.#compiled) return this.#compiled
    if (this.#waitingSpec) this.requireNetwork()
    throw new RekindleError('E_INVALID_STATE', 'the model is not compiled', {
      where: this.name,
      hint: "call compile({ optimizer: 'adam', loss: … }) first",
    })
  }

  requireNetwork(): Network {
    if (this.#network) return this.#network
    throw new RekindleError('E_INVALID_STATE', 'the input shape is not known yet', {
      where: this.name,
      hint: 'give the first layer an inputShape, or call fit or predict with data',
    })
  }

  /** A Sequential without an input shape takes it from the first data; other models know theirs. */
  protected resolveInputs(_x: DataInput | BatchStream): void {}

  async #inputTensors(x: DataInput): Promise<Tensor[]> {
    this.resolveInputs(x)
    const tensors = await toTensors(x, this.inputSpecs, 'x')
    sharedRows(tensors.map((tensor, i) => ({ where: `x.${this.inputSpecs[i]?.name}`, tensor })))
    return tensors
  }

  async #withPredictor<D extends DType>(run: (predictor: Predictor) => Promise<Tensor[]>): Promise<Tensor<D>[]> {
    const predictor = await this.#inTurn(async () => (await this.#readyPredictor()).hold())
    try {
      return (await run(predictor)) as unknown as Tensor<D>[]
    } finally {
      await predictor.release()
    }
  }

  async #readyPredictor(): Promise<Predictor> {
    const network = this.requireNetwork()
    this.build()
    const version = this.weights.reduce((sum, { version }) => sum + version, 0)
    if (this.#predictor?.version === version) return this.#predictor.session
    await this.#predictor?.session.close()
    this.#predictor = null
    const session = await Predictor.create(await this.engine(), network)
    this.#predictor = { session, version }
    return session
  }
}

/** Which layers may be trained, inner ones included: BatchNormalization works otherwise when it is frozen. */
function trainableFlags(layer: Layer): string {
  return `${layer.trainable ? 1 : 0}${layer.network?.layers.map(trainableFlags).join('') ?? ''}`
}

function portInfo(name: string, { dtype, shape }: Type): PortInfo {
  return { name, dtype, shape: shape.map((dim) => (typeof dim === 'number' ? dim : null)) }
}
