import type { Model } from './model.ts'

/** Results by name: `loss`, `accuracy`, `val_loss` … */
export type Logs = Readonly<Record<string, number>>

/** What a callback learns before the first step. Step counts are null where a stream does not tell them. */
export interface TrainingParams {
  readonly epochs: number
  readonly initialEpoch: number
  readonly steps: number | null
  readonly batchSize: number | null
  /** Rows of training data. */
  readonly samples: number | null
  readonly seed: number
  readonly verbose: 0 | 1 | 2
}

/**
 * Keras's callback interface. Every method is optional and may be asynchronous; an error in one ends the training.
 * Batch methods cost time in every step: leave them out where an epoch is fine enough.
 */
export interface Callback {
  setModel?(model: Model): void
  setParams?(params: TrainingParams): void
  onTrainBegin?(): void | Promise<void>
  onTrainEnd?(logs: Logs): void | Promise<void>
  onEpochBegin?(epoch: number): void | Promise<void>
  onEpochEnd?(epoch: number, logs: Logs): void | Promise<void>
  onTrainBatchBegin?(batch: number): void | Promise<void>
  /** `logs` are the running values of the epoch, as Keras shows them. */
  onTrainBatchEnd?(batch: number, logs: Logs): void | Promise<void>
  onTestBegin?(): void | Promise<void>
  onTestEnd?(logs: Logs): void | Promise<void>
}

export const CALLBACK_METHODS = [
  'setModel',
  'setParams',
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onTrainBatchBegin',
  'onTrainBatchEnd',
  'onTestBegin',
  'onTestEnd',
] as const satisfies readonly (keyof Callback)[]

/** The methods that all callbacks of a run share, called in the order of the callbacks. */
export class CallbackList {
  readonly #callbacks: readonly Callback[]
  /** False lets the training loop skip the running values of each batch. */
  readonly wantsBatches: boolean

  constructor(callbacks: readonly Callback[]) {
    this.#callbacks = callbacks
    this.wantsBatches = callbacks.some((callback) => callback.onTrainBatchBegin ?? callback.onTrainBatchEnd)
  }

  begin(model: Model, params: TrainingParams): void | Promise<void> {
    for (const callback of this.#callbacks) {
      callback.setModel?.(model)
      callback.setParams?.(params)
    }
    return this.#each((callback) => callback.onTrainBegin?.())
  }

  end(logs: Logs): void | Promise<void> {
    return this.#each((callback) => callback.onTrainEnd?.(logs))
  }

  epochBegin(epoch: number): void | Promise<void> {
    return this.#each((callback) => callback.onEpochBegin?.(epoch))
  }

  epochEnd(epoch: number, logs: Logs): void | Promise<void> {
    return this.#each((callback) => callback.onEpochEnd?.(epoch, logs))
  }

  batchBegin(batch: number): void | Promise<void> {
    return this.#each((callback) => callback.onTrainBatchBegin?.(batch))
  }

  batchEnd(batch: number, logs: Logs): void | Promise<void> {
    return this.#each((callback) => callback.onTrainBatchEnd?.(batch, logs))
  }

  testBegin(): void | Promise<void> {
    return this.#each((callback) => callback.onTestBegin?.())
  }

  testEnd(logs: Logs): void | Promise<void> {
    return this.#each((callback) => callback.onTestEnd?.(logs))
  }

  /** One after another. A promise only from the first callback on that gives one: most do not, in every batch. */
  #each(invoke: (callback: Callback) => void | Promise<void>, from = 0): void | Promise<void> {
    for (let i = from; i < this.#callbacks.length; i++) {
      const pending = invoke(this.#callbacks[i] as Callback)
      if (pending) return Promise.resolve(pending).then(() => this.#each(invoke, i + 1))
    }
  }
}

/** What `fit` returns: per epoch, every value that Keras's `History` would hold, under the same names. */
export class History implements Callback {
  readonly history: Record<string, number[]> = {}
  readonly epoch: number[] = []
  params: TrainingParams | null = null

  setParams(params: TrainingParams): void {
    this.params = params
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    this.epoch.push(epoch)
    for (const [name, value] of Object.entries(logs)) {
      this.history[name] ??= []
      this.history[name].push(value)
    }
  }
}
