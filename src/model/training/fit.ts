import { now, terminal, yieldToEventLoop } from '#platform'
import { describeValue, RekindleError, throwIfAborted } from '../../errors.ts'
import type { RunState } from '../../formats/doc.ts'
import { shuffle } from '../../nn/philox.ts'
import { CALLBACK_METHODS, type Callback, CallbackList, History, type Logs } from '../callbacks.ts'
import type { Compiled, ResolvedMetric } from '../compile.ts'
import type { BatchStream, ClassWeight, DataInput } from '../data/index.ts'
import type { Model } from '../model.ts'
import { checkOptions, checkSeed, type OptionNames } from '../options.ts'
import { ProgressBar } from '../progress.ts'
import { nextSeed } from '../seeds.ts'
import { evaluateDataset } from './evaluate.ts'
import { type Dataset, type DatasetBatch, prepareData } from './inputs.ts'
import type { StepProgram } from './program.ts'
import { Totals } from './totals.ts'
import type { Trainer } from './trainer.ts'

/** The event loop gets a turn this often: for timers, signals and a terminal's ^C. */
const YIELD_MS = 40

export interface FitOptions {
  /** Number of the last epoch, as in Keras: with `initialEpoch` 0 also how many are run. Default 1. */
  readonly epochs?: number
  /** Rows per step. Default 32. Not for streams, which bring their own batches. */
  readonly batchSize?: number
  /** A new order of the rows in each epoch. Default true. */
  readonly shuffle?: boolean
  /**
   * Makes shuffling and dropout repeat. Default: the seed of the run that the model continues, else a fresh one
   * (from `setRandomSeed`, if that was called).
   */
  readonly seed?: number
  /** Fraction of the rows, from the end, that is kept for validation. */
  readonly validationSplit?: number
  /** `[x, y]`, `[x, y, sampleWeight]` or a stream of batches. */
  readonly validationData?: readonly [x: DataInput, y: DataInput, sampleWeight?: DataInput] | BatchStream
  readonly sampleWeight?: DataInput
  readonly classWeight?: ClassWeight
  readonly initialEpoch?: number
  /** 0 silent, 1 progress bar, 2 one line per epoch; `'auto'` takes 1 on a terminal and 2 elsewhere. */
  readonly verbose?: 0 | 1 | 2 | 'auto'
  readonly callbacks?: readonly Callback[]
  /** Stops after the step at hand: `fit` rejects with `E_ABORTED`, and the model stands where it stopped. */
  readonly signal?: AbortSignal
}

/** Trains; see `Model.fit`. */
export async function fit(
  model: Model,
  x: DataInput | BatchStream,
  y: DataInput | undefined,
  options: FitOptions,
): Promise<History> {
  checkFitOptions(options)
  const { epochs = 1, batchSize = 32, initialEpoch = 0, signal } = options
  const compiled = model.requireCompiled()
  throwIfAborted(signal)
  const specs = model.inputSpecs
  const { train, validation } = await prepareData(x, y, compiled, specs, {
    batchSize,
    sampleWeight: options.sampleWeight,
    classWeight: options.classWeight,
    validationSplit: options.validationData ? 0 : options.validationSplit,
  })
  const checks = options.validationData
    ? await validationDataset(options.validationData, compiled, model, batchSize)
    : validation
  const run = beginRun(model, options.seed, batchSize, train)
  const verbose = resolveVerbose(options.verbose)
  const history = new History()
  const shown = verbose === 0 ? [] : [new ProgressBar(verbose)]
  const callbacks = new CallbackList([history, ...shown, ...(options.callbacks ?? [])])
  const session = new FitSession(model, train, callbacks, options)

  model.stopTraining = false
  await callbacks.begin(model, {
    epochs,
    initialEpoch,
    steps: train.steps,
    batchSize: train.rows === null ? null : batchSize,
    samples: train.rows,
    seed: run.seed,
    verbose,
  })
  let logs: Logs = {}
  for (let epoch = initialEpoch; epoch < epochs && !model.stopTraining; epoch++) {
    await callbacks.epochBegin(epoch)
    logs = await session.epoch()
    if (session.stoppedInside) break
    if (checks) {
      await callbacks.testBegin()
      const results = await evaluateDataset(model, checks, signal)
      await callbacks.testEnd(results)
      logs = sortedLogs({ ...logs, ...prefixed(results) })
    }
    await callbacks.epochEnd(epoch, logs)
  }
  await callbacks.end(logs)
  model.history = history
  return history
}

/** The steps of one `fit`, epoch by epoch, and the position that they leave in `model.runState`. */
class FitSession {
  /** True when training was stopped between two steps of an epoch. */
  stoppedInside = false
  readonly #model: Model
  readonly #compiled: Compiled
  readonly #data: Dataset
  readonly #callbacks: CallbackList
  readonly #options: FitOptions
  #metrics: readonly ResolvedMetric[] | null = null
  #totals: Totals | null = null
  /** Taken anew in each epoch: a callback may have frozen or thawed a layer. */
  #trainer: Trainer | null = null
  #lastYield = now()

  constructor(model: Model, data: Dataset, callbacks: CallbackList, options: FitOptions) {
    this.#model = model
    this.#compiled = model.requireCompiled()
    this.#data = data
    this.#callbacks = callbacks
    this.#options = options
    if (data.targetShapes) this.#resolveMetrics(data.targetShapes)
  }

  async epoch(): Promise<Logs> {
    const { seed, epoch, stepInEpoch, totals } = this.#model.runState as RunState
    const shuffled = this.#options.shuffle !== false && this.#data.rows !== null
    const order = shuffled ? shuffle(this.#data.rows as number, seed, epoch) : undefined
    this.#totals?.reset()
    if (stepInEpoch > 0 && totals !== undefined) this.#totals?.restore(totals)
    let program: StepProgram | null = null
    let rows = -1
    for await (const batch of this.#data.epoch({ ...(order && { order }), skip: stepInEpoch })) {
      if (!this.#metrics) this.#resolveMetrics(batch.tensors.y.map((tensor) => tensor?.shape ?? null))
      const begun = this.#callbacks.batchBegin(batch.index)
      if (begun) await begun
      if (!program || program.closed || batch.rows !== rows || this.#data.rows === null) {
        this.#trainer = await this.#model.trainer()
        program = await this.#trainer.programFor(batch.tensors, this.#metrics ?? [], true)
        rows = batch.rows
      }
      const pending = this.#step(this.#trainer as Trainer, program, batch)
      if (pending) await pending
      if (this.#model.stopTraining || this.#options.signal?.aborted) {
        const last = this.#data.steps !== null && batch.index + 1 === this.#data.steps
        if (!last) return this.#stopInside()
      }
      if (now() - this.#lastYield > YIELD_MS) {
        await yieldToEventLoop()
        this.#lastYield = now()
      }
    }
    const { totals: _, ...state } = this.#model.runState as RunState
    this.#model.runState = { ...state, epoch: epoch + 1, stepInEpoch: 0 }
    throwIfAborted(this.#options.signal)
    return this.#totals?.logs() ?? {}
  }

  /** One step: run, check, update. Promises only where the engine or a callback has one. */
  #step(trainer: Trainer, program: StepProgram, batch: DatasetBatch): void | Promise<void> {
    const callbacks = this.#callbacks
    const run = this.#model.runState as RunState
    trainer.random.set(run.seed, run.step)
    return after(program.run(batch.tensors), (stats) =>
      after(this.#finish(trainer, program, batch, stats), () => {
        if (callbacks.wantsBatches) return callbacks.batchEnd(batch.index, this.#totals?.logs() ?? {})
      }),
    )
  }

  #finish(trainer: Trainer, program: StepProgram, batch: DatasetBatch, stats: Float32Array): void | Promise<void> {
    if (!Number.isFinite(stats[0])) throw notFinite(stats[0] as number, batch, this.#model)
    program.commit()
    this.#totals?.add(stats, batch.rows)
    const run = this.#model.runState as { step: number; stepInEpoch: number }
    run.step++
    run.stepInEpoch = batch.index + 1
    return trainer.update()
  }

  #stopInside(): Logs {
    this.stoppedInside = true
    const state = this.#model.runState as RunState
    this.#model.runState = { ...state, totals: this.#totals?.save() ?? null }
    throwIfAborted(this.#options.signal)
    return this.#totals?.logs() ?? {}
  }

  #resolveMetrics(shapes: readonly (readonly number[] | null)[]): void {
    this.#metrics = this.#compiled.metricsFor(shapes)
    this.#totals = new Totals(this.#compiled, this.#metrics)
  }
}

function prefixed(logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).map(([name, value]) => [`val_${name}`, value]))
}

/** Keras 3 sorts all names together. */
function sortedLogs(logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Goes on at once with what is there, or later with what is promised. */
function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Goes on with the model's run, or begins one when there is none, the seed is another, or the data is cut otherwise. */
function beginRun(model: Model, seed: number | undefined, batchSize: number, data: Dataset): RunState {
  const known = model.runState
  const cut = { batchSize: data.rows === null ? null : batchSize, rows: data.rows }
  if (known && (seed === undefined || seed === known.seed)) {
    const same = known.stepInEpoch === 0 || (known.batchSize === cut.batchSize && known.rows === cut.rows)
    const { totals, ...state } = known
    model.runState = same ? { ...known, ...cut } : { ...state, ...cut, stepInEpoch: 0 }
  } else {
    model.runState = { seed: seed ?? nextSeed(), step: 0, epoch: 0, stepInEpoch: 0, ...cut }
  }
  return model.runState
}

async function validationDataset(
  data: NonNullable<FitOptions['validationData']>,
  compiled: Compiled,
  model: Model,
  batchSize: number,
): Promise<Dataset> {
  if (!Array.isArray(data)) {
    return (await prepareData(data as BatchStream, undefined, compiled, model.inputSpecs, { batchSize })).train
  }
  const [x, y, sampleWeight] = data as unknown as readonly [DataInput, DataInput, DataInput?]
  return (await prepareData(x, y, compiled, model.inputSpecs, { batchSize, sampleWeight })).train
}

const FIT_OPTIONS: OptionNames<FitOptions> = {
  epochs: true,
  batchSize: true,
  shuffle: true,
  seed: true,
  validationSplit: true,
  validationData: true,
  sampleWeight: true,
  classWeight: true,
  initialEpoch: true,
  verbose: true,
  callbacks: true,
  signal: true,
}

function checkFitOptions(options: FitOptions): void {
  checkOptions(options, FIT_OPTIONS, 'fit')
  const { epochs = 1, initialEpoch = 0, seed = 0, verbose = 'auto', shuffle = true, callbacks = [], signal } = options
  const refuse = (where: keyof FitOptions, expected: string, received: unknown): never => {
    throw new RekindleError('E_INVALID_ARGUMENT', 'not possible', {
      where,
      expected,
      received: describeValue(received),
    })
  }
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0
  if (!isCount(epochs)) refuse('epochs', 'a whole number of at least 0', epochs)
  if (!isCount(initialEpoch)) refuse('initialEpoch', 'a whole number of at least 0', initialEpoch)
  checkSeed(seed)
  if (![0, 1, 2, 'auto'].includes(verbose)) refuse('verbose', "0, 1, 2 or 'auto'", verbose)
  if (typeof shuffle !== 'boolean') refuse('shuffle', 'true or false', shuffle)
  if (signal !== undefined && typeof signal?.aborted !== 'boolean') refuse('signal', 'an AbortSignal', signal)
  if (!Array.isArray(callbacks)) refuse('callbacks', 'a list of objects with methods such as onEpochEnd', callbacks)
  for (const callback of callbacks) {
    if (typeof callback !== 'object' || callback === null) refuse('callbacks', 'objects', callback)
    for (const name of CALLBACK_METHODS) {
      const method: unknown = callback[name]
      if (method !== undefined && typeof method !== 'function') refuse('callbacks', `a function ${name}`, method)
    }
  }
}

function resolveVerbose(verbose: FitOptions['verbose'] = 'auto'): 0 | 1 | 2 {
  if (verbose !== 'auto') return verbose
  return terminal('stderr').isTTY ? 1 : 2
}

/** The weights are still those of the last good step. */
function notFinite(loss: number, batch: DatasetBatch, model: Model): RekindleError {
  const { optimizer } = model.requireCompiled()
  return new RekindleError('E_NOT_FINITE', `the loss became ${Number.isNaN(loss) ? 'NaN' : loss}`, {
    where: `step ${batch.index + 1}, learning rate ${optimizer.learningRate}`,
    expected: 'a finite number',
    hint: 'check the data for NaN, or lower the learning rate; the weights are those of the step before',
  })
}
