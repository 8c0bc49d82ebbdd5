import type { Json } from '../../nn/types.ts'
import { sizeOf } from '../../tensor/index.ts'
import type { Logs } from '../callbacks.ts'
import type { Compiled, ResolvedMetric } from '../compile.ts'

/**
 * Running values of one pass over data, as Keras reports them. The loss is a mean over rows (each batch counts by its
 * rows, whatever the sample weights); the losses of several outputs are means over batches, because Keras 3 on
 * TensorFlow does not know the rows of a batch where it sums them. Metrics come from their summed states.
 */
export class Totals {
  readonly #metrics: readonly ResolvedMetric[]
  /** Names of the losses in the order of the stats vector: the total, then each output's. */
  readonly #lossNames: readonly string[]
  readonly #losses: Float64Array
  readonly #states: readonly (readonly Float32Array[])[]
  #columns: readonly (readonly [string, number])[] | null = null
  #rows = 0
  #batches = 0

  constructor(compiled: Compiled, metrics: readonly ResolvedMetric[]) {
    this.#metrics = metrics
    const outputs = compiled.outputs.filter((_, i) => compiled.losses[i])
    this.#lossNames = ['loss', ...(outputs.length > 1 ? outputs.map(({ name }) => `${name}_loss`) : [])]
    this.#losses = new Float64Array(this.#lossNames.length)
    this.#states = metrics.map(({ def, config, output }) => {
      const type = compiled.outputs[output]?.type
      return def
        .state(config, type ?? { dtype: 'float32', shape: [] })
        .map(({ shape }) => new Float32Array(sizeOf(shape)))
    })
  }

  /** Numbers in the stats vector of one step. */
  get statsSize(): number {
    return this.#losses.length + this.#states.flat().reduce((sum, state) => sum + state.length, 0)
  }

  reset(): void {
    this.#rows = 0
    this.#batches = 0
    this.#losses.fill(0)
    for (const state of this.#states.flat()) state.fill(0)
  }

  /** Takes in one step. The sums of metrics are float32, as Keras's are. */
  add(stats: Float32Array, rows: number): void {
    let at = 0
    for (; at < this.#losses.length; at++) {
      ;(this.#losses[at] as number) += (stats[at] as number) * (at === 0 ? rows : 1)
    }
    for (const states of this.#states) {
      for (const state of states) {
        for (let i = 0; i < state.length; i++) (state[i] as number) += stats[at++] as number
      }
    }
    this.#rows += rows
    this.#batches++
  }

  /** The values so far; lists (per-class metrics) give one entry per class, `f1_score_0` … Sorted as Keras 3 does. */
  logs(): Logs {
    const results = this.#metrics.map(({ def, config }, i) =>
      def.result(this.#states[i] as readonly Float32Array[], config),
    )
    const losses = [...this.#losses].map((sum, i) => sum / Math.max(1, i === 0 ? this.#rows : this.#batches))
    const values = losses.concat(...results)
    this.#columns ??= this.#sortColumns(results)
    const logs: Record<string, number> = {}
    for (const [name, i] of this.#columns) logs[name] = values[i] as number
    return logs
  }

  /** The names in the order of the logs, and where their values stand; known once the lengths of lists are. */
  #sortColumns(results: readonly (number | readonly number[])[]): readonly (readonly [string, number])[] {
    const names = this.#metrics.flatMap(({ name }, i) => {
      const result = results[i] as number | readonly number[]
      return typeof result === 'number' ? [name] : result.map((_, k) => `${name}_${k}`)
    })
    const columns = [...this.#lossNames, ...names].map((name, i): [string, number] => [name, i])
    return columns.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  }

  /** The sums as JSON, exactly: for a run that stops inside an epoch. */
  save(): Json {
    return {
      rows: this.#rows,
      batches: this.#batches,
      losses: [...this.#losses],
      states: this.#states.map((states) => states.map((s) => [...s])),
    }
  }

  /** Takes up saved sums; false when they are of other metrics, and then nothing changes. */
  restore(saved: Json): boolean {
    const { rows, batches, losses, states } = (saved ?? {}) as SavedTotals
    const flat = states?.flat() ?? []
    const own = this.#states.flat()
    const fits = losses?.length === this.#losses.length && flat.length === own.length
    const counted = typeof rows === 'number' && typeof batches === 'number'
    if (!counted || !fits || flat.some((state, i) => state.length !== own[i]?.length)) return false
    this.#rows = rows
    this.#batches = batches
    this.#losses.set(losses)
    own.forEach((state, i) => {
      state.set(flat[i] as readonly number[])
    })
    return true
  }
}

interface SavedTotals {
  readonly rows?: number
  readonly batches?: number
  readonly losses?: readonly number[]
  readonly states?: readonly (readonly (readonly number[])[])[]
}
