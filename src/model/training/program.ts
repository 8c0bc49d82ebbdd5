import type { Floats, Session } from '../../runtime/index.ts'
import { Tensor } from '../../tensor/index.ts'
import type { Variable } from '../variable.ts'
import { RANDOM_INPUT } from './random.ts'
import { PORTS, type StepGraph } from './step-graph.ts'
import type { StepTensors, Trainer } from './trainer.ts'

/** A step graph that is ready to run on the trainer's memory. Nothing is allocated per step. */
export class StepProgram {
  /** Set when it cannot run any more: its trainer was given up, or it was not used for long. */
  closed = false
  readonly #trainer: Trainer
  readonly #session: Session
  readonly #feeds: Record<string, Tensor> = {}
  readonly #into: Record<string, Tensor> = {}
  readonly #stats: Float32Array
  readonly #updated: readonly { readonly variable: Variable; readonly value: Tensor }[]
  readonly #frozen: readonly Variable[]

  constructor(session: Session, step: StepGraph, trainer: Trainer) {
    this.#session = session
    this.#trainer = trainer
    this.#frozen = step.frozen
    const names = new Map(step.outputs.map((port, i) => [port, session.outputs[i] as string]))
    const preallocate = (port: string, shape: readonly number[], data?: Floats): Tensor => {
      const size = shape.reduce((a, b) => a * b, 1)
      const tensor = new Tensor('float32', shape, data ?? new Float32Array(size))
      this.#into[names.get(port) as string] = tensor
      return tensor
    }
    trainer.trainable.forEach((variable, i) => {
      const port = PORTS.parameter(i)
      if (session.inputs.includes(port)) this.#feeds[port] = trainer.homes[i] as Tensor
      if (names.has(PORTS.gradient(i))) {
        preallocate(PORTS.gradient(i), variable.shape, trainer.memory.gradients[i] as Floats)
      }
    })
    const statsValue = step.graph.outputs[step.outputs.indexOf(PORTS.stats)]
    this.#stats = preallocate(PORTS.stats, statsValue?.shape as readonly number[]).data as Float32Array
    this.#updated = step.updated.map((variable, i) => ({
      variable,
      value: preallocate(PORTS.update(i), variable.shape),
    }))
    if (step.usesRandom) this.#feeds[RANDOM_INPUT] = trainer.random.tensor
  }

  /** Runs the step and returns its stats: the same array every time. Weights that the step changes are assigned by `commit`. */
  run({ x, y, sampleWeights }: StepTensors): Float32Array | Promise<Float32Array> {
    const feeds = this.#feeds
    this.#trainer.claim()
    for (let i = 0; i < x.length; i++) feeds[PORTS.x(i)] = x[i] as Tensor
    for (let i = 0; i < y.length; i++) if (y[i]) feeds[PORTS.y(i)] = y[i] as Tensor
    for (let i = 0; i < sampleWeights.length; i++) {
      if (sampleWeights[i]) feeds[PORTS.sampleWeight(i)] = sampleWeights[i] as Tensor
    }
    for (let i = 0; i < this.#frozen.length; i++) feeds[PORTS.frozen(i)] = (this.#frozen[i] as Variable).value
    const { runSync } = this.#session
    if (runSync) {
      runSync(feeds, this.#into)
      return this.#stats
    }
    return this.#session.run(feeds, this.#into).then(() => this.#stats)
  }

  /** Takes over the new values of weights that the step itself changes (moving statistics). */
  commit(): void {
    for (const { variable, value } of this.#updated) variable.assign(value)
  }

  close(): Promise<void> {
    this.closed = true
    return this.#session.close()
  }
}
