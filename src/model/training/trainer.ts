import { coreCount } from '#platform'
import { RekindleError } from '../../errors.ts'
import type { Type, Value } from '../../graph/index.ts'
import { applyConstraint } from '../../nn/constraints.ts'
import { requireTrainable } from '../../nn/optimizers/index.ts'
import type { Identifier } from '../../nn/types.ts'
import { encodeModel } from '../../onnx/index.ts'
import { newBuilder } from '../../ops/index.ts'
import {
  allocateParameters,
  chooseThreads,
  createOptimizerStep,
  type Engine,
  type Floats,
  type OptimizerStep,
  type ParameterMemory,
  type Session,
} from '../../runtime/index.ts'
import { formatShape, Tensor } from '../../tensor/index.ts'
import type { Compiled, ResolvedMetric } from '../compile.ts'
import type { Network } from '../network.ts'
import type { Variable } from '../variable.ts'
import { StepProgram } from './program.ts'
import { RandomPosition } from './random.ts'
import { buildStepGraph } from './step-graph.ts'

/** Programs kept per trainer: full batch and last batch, of training and of validation. */
const MOST_PROGRAMS = 8

/** The tensors of one batch in the order x, y, sample weights; null where an output has none. */
export interface StepTensors {
  readonly x: readonly Tensor[]
  readonly y: readonly (Tensor | null)[]
  readonly sampleWeights: readonly (Tensor | null)[]
}

/**
 * What all steps of a compiled model share: the memory of weights, gradients and slots, the optimizer's step, and the
 * programs (one per set of batch shapes) that run on them.
 */
export class Trainer {
  readonly compiled: Compiled
  readonly trainable: readonly Variable[]
  readonly random = new RandomPosition()
  readonly memory: ParameterMemory
  /** The tensors on this memory that hold the weights, in the order of `trainable`. */
  readonly homes: readonly Tensor[]
  /** Updates made here: by them a weight knows that it has changed. */
  updates = 0
  readonly #engine: Engine
  readonly #network: Network
  readonly #optimizerStep: OptimizerStep
  readonly #constraints: Session | null
  readonly #constrained: readonly number[]
  readonly #programs = new Map<string, StepProgram>()

  private constructor(
    engine: Engine,
    network: Network,
    compiled: Compiled,
    trainable: readonly Variable[],
    memory: ParameterMemory,
    optimizerStep: OptimizerStep,
    constrained: readonly number[],
    constraints: Session | null,
  ) {
    this.#engine = engine
    this.#network = network
    this.compiled = compiled
    this.trainable = trainable
    this.memory = memory
    this.homes = trainable.map(({ shape }, i) => new Tensor('float32', shape, memory.parameters[i] as Floats))
    this.#optimizerStep = optimizerStep
    this.#constrained = constrained
    this.#constraints = constraints
  }

  /** Moves the trainable weights and their slots into one memory. `dispose` brings them back. */
  static async create(
    engine: Engine,
    network: Network,
    compiled: Compiled,
    trainable: readonly Variable[],
  ): Promise<Trainer> {
    const { optimizer } = compiled
    refuseUnsupported(compiled, trainable)
    const slots = optimizer.slotDefs
    const shapes = trainable.map((variable) => variable.shape)
    const memory = allocateParameters({ shapes, fills: slots.map(({ fill }) => fill) })
    trainable.forEach((variable, i) => {
      slots.forEach((slot, s) => {
        const view = memory.slots[s]?.[i] as Floats
        optimizer.moveSlot(variable, slot, new Tensor('float32', variable.shape, view))
      })
    })
    const optimizerStep = await createOptimizerStep({ engine, def: optimizer.def, config: optimizer.config, memory })
    const constrained = trainable.flatMap(({ spec }, i) => (spec.constraint ? [i] : []))
    const constraints = await constraintSession(engine, trainable, constrained)
    const trainer = new Trainer(engine, network, compiled, trainable, memory, optimizerStep, constrained, constraints)
    trainer.claim()
    return trainer
  }

  /** Brings home the weights that another model trains too and has taken into its own memory. */
  claim(): void {
    for (let i = 0; i < this.homes.length; i++) {
      const variable = this.trainable[i] as Variable
      if (variable.value !== this.homes[i]) variable.moveTo(this.homes[i] as Tensor, this)
    }
  }

  /** The program for batches of these shapes; built and kept. */
  async programFor(tensors: StepTensors, metrics: readonly ResolvedMetric[], training: boolean): Promise<StepProgram> {
    const key = `${training}|${shapeKey(tensors.x)}|${shapeKey(tensors.y)}|${shapeKey(tensors.sampleWeights)}|${metrics.map((m) => m.name)}`
    const known = this.#programs.get(key)
    if (known) {
      this.#programs.delete(key)
      this.#programs.set(key, known)
      return known
    }
    const step = buildStepGraph({
      network: this.#network,
      losses: this.compiled.losses,
      metrics,
      x: tensors.x,
      y: tensors.y,
      sampleWeights: tensors.sampleWeights,
      trainable: this.trainable,
      optimizer: training ? this.compiled.optimizer : null,
    })
    const options = { threads: chooseThreads(step.graph, coreCount()), optimize: 'basic' } as const
    const session = await this.#engine.open(encodeModel(step.graph), options)
    const program = new StepProgram(session, step, this)
    this.#programs.set(key, program)
    if (this.#programs.size > MOST_PROGRAMS) {
      const [oldest, evicted] = this.#programs.entries().next().value as [string, StepProgram]
      this.#programs.delete(oldest)
      await evicted.close()
    }
    return program
  }

  /** One update of the weights from the gradients that a training program has left in the memory. */
  update(): void | Promise<void> {
    const { optimizer } = this.compiled
    this.claim()
    const done = this.#optimizerStep.apply(optimizer.iterations + 1, optimizer.currentRate)
    optimizer.iterations++
    this.updates++
    if (done) return done.then(() => this.#constrain())
    return this.#constrain()
  }

  #constrain(): void | Promise<void> {
    const session = this.#constraints
    if (!session) return
    const feeds = Object.fromEntries(this.#constrained.map((i, k) => [`w${k}`, this.homes[i] as Tensor]))
    return session.run(feeds).then((results) => {
      this.#constrained.forEach((i, k) => {
        const result = results[session.outputs[k] as string] as Tensor
        this.memory.parameters[i]?.set(result.data as Float32Array)
      })
    })
  }

  /** Gives weights and slots memory of their own again and closes the sessions. */
  async dispose(): Promise<void> {
    const { optimizer } = this.compiled
    for (const [i, variable] of this.trainable.entries()) {
      if (variable.value === this.homes[i]) variable.moveTo(variable.value.clone())
      for (const slot of optimizer.slotDefs) optimizer.moveSlot(variable, slot, optimizer.slot(variable, slot).clone())
    }
    for (const program of this.#programs.values()) program.closed = true
    await this.#optimizerStep.close()
    await this.#constraints?.close()
    for (const program of this.#programs.values()) await program.close()
    this.#programs.clear()
  }
}

function shapeKey(tensors: readonly (Tensor | null)[]): string {
  return tensors.map((tensor) => (tensor ? `${tensor.dtype}${tensor.shape}` : '-')).join(';')
}

/** Settings that a file may carry and that training cannot follow yet: refused before the first step. */
function refuseUnsupported({ optimizer }: Compiled, trainable: readonly Variable[]): void {
  requireTrainable(optimizer.config)
  const odd = trainable.find(({ dtype }) => dtype !== 'float32')
  if (odd) {
    throw new RekindleError('E_UNSUPPORTED_DTYPE', `training of ${odd.dtype} weights is not possible yet`, {
      where: `${odd.name} ${formatShape(odd.shape)}`,
    })
  }
}

/** One graph for all constraints, run after the update. */
async function constraintSession(
  engine: Engine,
  trainable: readonly Variable[],
  constrained: readonly number[],
): Promise<Session | null> {
  if (constrained.length === 0) return null
  const b = newBuilder()
  const outputs = constrained.map((i, k): Value => {
    const { shape, dtype, spec } = trainable[i] as Variable
    const type: Type = { shape, dtype }
    return applyConstraint(b, spec.constraint as Exclude<Identifier, null>, b.input(`w${k}`, type.dtype, type.shape))
  })
  return engine.open(encodeModel(b.build(outputs)))
}
