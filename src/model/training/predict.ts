import { coreCount } from '#platform'
import { throwIfAborted } from '../../errors.ts'
import type { Dim } from '../../graph/index.ts'
import { encodeModel } from '../../onnx/index.ts'
import { newBuilder } from '../../ops/index.ts'
import { optimizeGraph } from '../../passes/index.ts'
import { chooseThreads, type Engine, type Session } from '../../runtime/index.ts'
import { allocate, sizeOf, slotsPerElement, Tensor } from '../../tensor/index.ts'
import { Batches } from '../data/index.ts'
import { inferenceEnvironment, lowerNetwork } from '../lower.ts'
import type { Network } from '../network.ts'
import { networkInputs } from '../network-types.ts'

/** An inference session: weights baked in, the batch symbolic. It is stale once a weight has changed. */
export class Predictor {
  readonly #session: Session
  readonly #inputs: readonly string[]
  /** Shapes of the outputs behind the batch dimension; null where a size is known only at run time. */
  readonly #rows: readonly (readonly number[] | null)[]
  readonly #dtypes: readonly Tensor['dtype'][]
  #holders = 0
  #stale = false

  private constructor(
    session: Session,
    inputs: readonly string[],
    outputs: readonly { shape: readonly Dim[]; dtype: Tensor['dtype'] }[],
  ) {
    this.#session = session
    this.#inputs = inputs
    this.#dtypes = outputs.map(({ dtype }) => dtype)
    this.#rows = outputs.map(({ shape }) => {
      const row = shape.slice(1)
      return shape[0] === 'batch' && row.every((dim) => typeof dim === 'number') ? (row as number[]) : null
    })
  }

  static async create(engine: Engine, network: Network): Promise<Predictor> {
    const b = newBuilder()
    const types = networkInputs(network)
    const inputs = types.map((type, i) => b.input(`x${i}`, type.dtype, type.shape))
    const env = { ...inferenceEnvironment(b), weight: (variable: { value: Tensor }) => b.constant(variable.value) }
    const lowered = lowerNetwork(
      network,
      inputs,
      inputs.map(() => null),
      env,
    )
    // An output that is an input, or stands twice among the outputs, needs a value of its own.
    const seen = new Set(inputs)
    const outputs = lowered.outputs.map((value) => {
      const own = seen.has(value) ? b.op('Identity', [value]) : value
      seen.add(own)
      return own
    })
    const graph = optimizeGraph(b.build(outputs))
    const session = await engine.open(encodeModel(graph), {
      threads: chooseThreads(graph, coreCount()),
      optimize: 'all',
    })
    return new Predictor(
      session,
      inputs.map(({ name }) => name),
      outputs,
    )
  }

  /** All rows in one run. */
  async runBatch(x: readonly Tensor[]): Promise<Tensor[]> {
    const feeds = this.#feeds(x)
    const results = this.#session.runSync?.(feeds) ?? (await this.#session.run(feeds))
    return this.#session.outputs.map((name) => results[name] as Tensor)
  }

  /** Batch by batch, straight into the memory of the result. */
  async run(
    x: readonly Tensor[],
    batchSize: number,
    signal?: AbortSignal,
    onBatch?: (done: number, of: number) => void,
  ): Promise<Tensor[]> {
    const rows = x[0]?.shape[0] ?? 0
    if (rows <= batchSize) return this.runBatch(x)
    const parts: Tensor[][] = []
    const whole = this.#rows.map((row, i) => row && allocate(this.#dtypes[i] as 'float32', rows * sizeOf(row)))
    for (const { index, rows: count, tensors } of new Batches(x, { batchSize }).epoch()) {
      throwIfAborted(signal)
      const start = index * batchSize
      const into = Object.fromEntries(
        this.#session.outputs.flatMap((name, i) => {
          const row = this.#rows[i]
          const memory = whole[i]
          if (!row || !memory) return []
          const width = sizeOf(row) * slotsPerElement(this.#dtypes[i] as 'float32')
          const view = memory.subarray(start * width, (start + count) * width)
          return [[name, new Tensor(this.#dtypes[i] as 'float32', [count, ...row], view)]]
        }),
      )
      const results = await this.#session.run(this.#feeds(tensors), into)
      parts.push(this.#session.outputs.map((name) => results[name] as Tensor))
      onBatch?.(start + count, rows)
    }
    return this.#rows.map((row, i) => {
      const memory = whole[i]
      if (row && memory) return new Tensor(this.#dtypes[i] as 'float32', [rows, ...row], memory)
      return concatenateRows(parts.map((part) => part[i] as Tensor))
    })
  }

  /** Batch by batch, of whatever sizes they come in. */
  async runStream(batches: AsyncIterable<{ readonly x: readonly Tensor[] }>, signal?: AbortSignal): Promise<Tensor[]> {
    const parts: Tensor[][] = []
    for await (const { x } of batches) {
      throwIfAborted(signal)
      parts.push(await this.runBatch(x))
    }
    return this.#session.outputs.map((_, i) => concatenateRows(parts.map((part) => part[i] as Tensor)))
  }

  /** Keeps the session open until as many calls of `release`: another run may find it stale meanwhile. */
  hold(): this {
    this.#holders++
    return this
  }

  async release(): Promise<void> {
    if (--this.#holders === 0 && this.#stale) await this.#session.close()
  }

  /** Closes the session, or leaves that to the last holder. */
  async close(): Promise<void> {
    this.#stale = true
    if (this.#holders === 0) await this.#session.close()
  }

  #feeds(x: readonly Tensor[]): Record<string, Tensor> {
    return Object.fromEntries(this.#inputs.map((name, i) => [name, x[i] as Tensor]))
  }
}

function concatenateRows(parts: readonly Tensor[]): Tensor {
  const [first] = parts as [Tensor]
  const rows = parts.reduce((sum, part) => sum + (part.shape[0] as number), 0)
  const data = allocate(first.dtype, rows * sizeOf(first.shape.slice(1))) as Float32Array
  let offset = 0
  for (const part of parts) {
    data.set(part.data as Float32Array, offset)
    offset += part.data.length
  }
  return new Tensor(first.dtype, [rows, ...first.shape.slice(1)], data as never)
}
