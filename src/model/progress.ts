import { now, terminal, writeText } from '#platform'
import type { Callback, Logs, TrainingParams } from './callbacks.ts'

const BAR_WIDTH = 20
/** A terminal line is redrawn at most this often. */
const REDRAW_MS = 100

/**
 * Keras's progress: a bar per epoch on a terminal (`verbose: 1`), one line per epoch when piped (`verbose: 2`).
 * Written to stderr, so that it never mixes with what a program prints as its result.
 */
export class ProgressBar implements Callback {
  readonly #live: boolean
  #params: TrainingParams | null = null
  #step = 0
  #epoch = 0
  #start = 0
  #drawn = 0
  #firstStep: number | null = null

  constructor(verbose: 1 | 2) {
    this.#live = verbose === 1
    if (this.#live) this.onTrainBatchEnd = (batch, logs) => this.#afterBatch(batch, logs)
  }

  onTrainBatchEnd?: (batch: number, logs: Logs) => void

  setParams(params: TrainingParams): void {
    this.#params = params
  }

  onEpochBegin(epoch: number): void {
    this.#epoch = epoch
    this.#step = 0
    this.#start = now()
    this.#drawn = 0
    this.#firstStep = null
    if (this.#live) writeText('stderr', `Epoch ${epoch + 1}/${this.#params?.epochs ?? '?'}\n`)
  }

  onEpochEnd(_: number, logs: Logs): void {
    const elapsed = now() - this.#start
    if (this.#live) {
      writeText('stderr', `\r${this.#line(logs, elapsed)}\x1b[K\n`)
      return
    }
    const head = `Epoch ${this.#epoch + 1}/${this.#params?.epochs ?? '?'}`
    writeText('stderr', `${head} - ${seconds(elapsed)}${logText(logs)}\n`)
  }

  #afterBatch(batch: number, logs: Logs): void {
    this.#firstStep ??= batch
    this.#step = batch + 1
    const time = now()
    if (time - this.#drawn < REDRAW_MS) return
    this.#drawn = time
    writeText('stderr', `\r${this.#line(logs, time - this.#start)}\x1b[K`)
  }

  #line(logs: Logs, elapsed: number): string {
    const steps = this.#params?.steps ?? null
    const done = this.#step - (this.#firstStep ?? 0)
    const pace = done > 0 ? elapsed / done : 0
    const count = steps === null ? `${this.#step}` : `${String(this.#step).padStart(String(steps).length)}/${steps}`
    const filled = steps ? Math.round((this.#step / steps) * BAR_WIDTH) : BAR_WIDTH
    const bar = `${'━'.repeat(filled)}${'─'.repeat(BAR_WIDTH - filled)}`
    const left =
      steps !== null && this.#step < steps ? `${seconds((steps - this.#step) * pace)} left` : seconds(elapsed)
    const text = `${count} ${bar} ${left} ${pace < 10 ? pace.toFixed(1) : Math.round(pace)}ms/step${logText(logs)}`
    return text.slice(0, Math.max(20, terminal('stderr').columns - 1))
  }
}

function seconds(milliseconds: number): string {
  return `${milliseconds < 10_000 ? (milliseconds / 1000).toFixed(1) : Math.round(milliseconds / 1000)}s`
}

function logText(logs: Logs): string {
  return Object.entries(logs)
    .map(([name, value]) => ` - ${name}: ${formatValue(value)}`)
    .join('')
}

/** Keras's rule: four decimals, or an exponent where they would hide the number. */
function formatValue(value: number): string {
  return Math.abs(value) > 1e-3 || value === 0 ? value.toFixed(4) : value.toExponential(4)
}
