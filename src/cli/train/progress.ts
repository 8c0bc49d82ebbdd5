import type { Callback, Logs, Model, TrainingParams } from '../../index.ts'
import { progressBar, sparkline } from '../terminal/bars.ts'
import { count, duration, measure, milliseconds, percent } from '../terminal/format.ts'
import { displayWidth, pad } from '../terminal/table.ts'
import type { Terminal, Voice } from '../terminal/terminal.ts'

const BAR_WIDTH = 25
const SPARK_WIDTH = 12
const EPOCH_WIDTH = 7
/** The narrowest column: `0.2114` and the space before it. */
const VALUE_WIDTH = 9

/**
 * The table of a training: one kept row per epoch, and on a terminal a live row with bar, pace, time left and the
 * course of the loss. The step methods exist only where there is a live row, so that nothing else costs a step.
 */
export class TrainingTable implements Callback {
  readonly onTrainBatchEnd?: (batch: number, logs: Logs) => void
  readonly #terminal: Terminal
  readonly #voice: Voice
  readonly #validates: boolean
  readonly #losses: number[] = []
  #params: TrainingParams | null = null
  #keys: readonly string[] | null = null
  #epoch = 0
  #startedAt = 0
  #trainedFor: number | null = null
  /** Steps of this epoch that were done before: an interrupted epoch goes on. */
  #doneBefore = 0
  #best = Number.POSITIVE_INFINITY
  #rows = 0

  /** @param validates Is there a validation after each epoch? Then the columns for it are there from the start. */
  constructor(terminal: Terminal, voice: Voice, validates: boolean) {
    this.#terminal = terminal
    this.#voice = voice
    this.#validates = validates
    if (terminal.live.enabled) this.onTrainBatchEnd = (batch, logs) => this.#showStep(batch, logs)
  }

  setModel(model: Model): void {
    this.#doneBefore = model.runState?.stepInEpoch ?? 0
  }

  setParams(params: TrainingParams): void {
    this.#params = params
  }

  onEpochBegin(epoch: number): void {
    this.#epoch = epoch
    this.#startedAt = performance.now()
    this.#trainedFor = null
  }

  onTestBegin(): void {
    this.#trainedFor = performance.now() - this.#startedAt
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    const { style, print } = this.#voice
    const elapsed = performance.now() - this.#startedAt
    const steps = (this.#params?.steps ?? 0) - this.#doneBefore
    const pace = steps > 0 ? milliseconds((this.#trainedFor ?? elapsed) / steps) : ''
    const isBest = this.#isBest(logs)
    this.#printTitles(Object.keys(logs))
    const values = (this.#keys ?? []).map((key) => {
      const cell = formatLog(key, logs[key])
      return pad(isBest && key.startsWith('val_') ? style.green(cell) : cell, widthOf(key), 'right')
    })
    const best = isBest ? `  ${style.green('best')}` : ''
    print(
      `  ${String(epoch + 1).padEnd(EPOCH_WIDTH)}${values.join('')}${pad(pace, 10, 'right')}${pad(duration(elapsed), 8, 'right')}${best}`,
    )
    this.#rows++
    this.#doneBefore = 0
  }

  /** A validation loss below all before it; the first has nothing to be compared with. */
  #isBest(logs: Logs): boolean {
    const loss = logs.val_loss
    if (loss === undefined || !(loss < this.#best)) return false
    this.#best = loss
    return this.#rows > 0
  }

  #printTitles(keys: readonly string[]): void {
    if (this.#keys !== null) return
    this.#keys = lossesFirst(keys)
    const { style, print } = this.#voice
    const titles = this.#keys.map((key) => pad(titleOf(key), widthOf(key), 'right'))
    print(
      style.dim(
        `  ${'epoch'.padEnd(EPOCH_WIDTH)}${titles.join('')}${pad('ms/step', 10, 'right')}${pad('time', 8, 'right')}`,
      ),
    )
  }

  #showStep(batch: number, logs: Logs): void {
    this.#terminal.live.update((columns) => {
      if (logs.loss !== undefined) this.#losses.push(logs.loss)
      if (this.#keys === null) {
        const keys = Object.keys(logs)
        this.#printTitles(this.#validates ? [...keys, ...keys.map((key) => `val_${key}`)] : keys)
      }
      return this.#liveRow(batch, logs, columns)
    })
  }

  #liveRow(batch: number, logs: Logs, columns: number): string {
    const style = this.#terminal.noteStyle
    const steps = this.#params?.steps ?? null
    const done = batch + 1
    const pace = (performance.now() - this.#startedAt) / (done - this.#doneBefore)
    const values = lossesFirst(Object.keys(logs)).map((key) => pad(formatLog(key, logs[key]), widthOf(key), 'right'))
    const head = `  ${String(this.#epoch + 1).padEnd(EPOCH_WIDTH)}${values.join('')}`
    const parts = [
      ...(steps === null ? [] : [progressBar(done / steps, BAR_WIDTH, style)]),
      steps === null ? `${count(done)} steps` : `${count(done)}/${count(steps)}`,
      `${milliseconds(pace)} ms`,
      ...(steps === null ? [] : [`${duration(pace * (steps - done))} left`]),
      style.dim(sparkline(this.#losses, SPARK_WIDTH)),
    ]
    return fitParts(head, parts, columns)
  }
}

/** As many parts as fit into the line, from the left: a line that wraps cannot be drawn over. */
function fitParts(head: string, parts: readonly string[], columns: number): string {
  let line = head
  for (const part of parts) {
    const longer = `${line}  ${part}`
    if (displayWidth(longer) >= columns) break
    line = longer
  }
  return line
}

/** Keras sorts its keys by name; people look for the loss first. */
function lossesFirst(keys: readonly string[]): readonly string[] {
  const rank = (key: string) => (key.startsWith('val_') ? 2 : 0) + (/^(val_)?loss$/.test(key) ? 0 : 1)
  return keys.toSorted((a, b) => rank(a) - rank(b))
}

function titleOf(key: string): string {
  return key
    .replace(/^val_/, 'val ')
    .replace(/^(val |)accuracy$/, '$1acc')
    .replaceAll('_', ' ')
}

function widthOf(key: string): number {
  return Math.max(VALUE_WIDTH, titleOf(key).length + 3)
}

/** Accuracies are shares and shown in percent, everything else as it is. */
export function formatLog(key: string, value: number | undefined): string {
  if (value === undefined) return ''
  return /acc(uracy)?$/.test(key) ? percent(value) : measure(value)
}
