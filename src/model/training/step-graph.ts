import type { Builder, Graph, Type, Value } from '../../graph/index.ts'
import { applyLoss } from '../../nn/losses/index.ts'
import { applyRegularizer } from '../../nn/regularizers.ts'
import { newBuilder } from '../../ops/index.ts'
import { optimizeGraph, trainStep } from '../../passes/index.ts'
import { DTYPES, sizeOf } from '../../tensor/index.ts'
import type { CompiledLoss, ResolvedMetric } from '../compile.ts'
import { type Environment, type Lowered, lowerNetwork } from '../lower.ts'
import type { Network } from '../network.ts'
import type { Optimizer } from '../optimizer.ts'
import type { Variable } from '../variable.ts'
import { lazyRandomStream, RANDOM_INPUT } from './random.ts'

export interface StepGraphOptions {
  readonly network: Network
  readonly losses: readonly (CompiledLoss | null)[]
  readonly metrics: readonly ResolvedMetric[]
  /** Concrete types of one batch; a target type is null for an output without loss and metrics. */
  readonly x: readonly Type[]
  readonly y: readonly (Type | null)[]
  readonly sampleWeights: readonly (Type | null)[]
  /** Weights that the optimizer changes, in its order; others are fed as they are. */
  readonly trainable: readonly Variable[]
  /** Null for evaluation. */
  readonly optimizer: Optimizer | null
}

/** Names of the graph's inputs and outputs by number. */
export const PORTS = {
  x: (i: number) => `x${i}`,
  y: (i: number) => `y${i}`,
  sampleWeight: (i: number) => `sample_weight${i}`,
  parameter: (i: number) => `p${i}`,
  frozen: (i: number) => `f${i}`,
  gradient: (i: number) => `g${i}`,
  update: (i: number) => `u${i}`,
  stats: 'stats',
} as const

/** The graph of one training or evaluation step. */
export interface StepGraph {
  readonly graph: Graph
  /** What the graph's outputs are, in their order: names of `PORTS`. */
  readonly outputs: readonly string[]
  /** Weights that are fed but not trained, by port number. */
  readonly frozen: readonly Variable[]
  /** Weights that the step itself changes, by port number. */
  readonly updated: readonly Variable[]
  readonly usesRandom: boolean
}

/**
 * One graph for a whole step: the layers, the losses, what each metric adds, and (with an optimizer) the gradients,
 * clipped. All that a step reports leaves through one vector, `stats`: the total loss, each output's loss when there
 * are several, then the metrics' states, in their order: one output costs the engine less than many.
 */
export function buildStepGraph(options: StepGraphOptions): StepGraph {
  const { network, losses, metrics, trainable, optimizer } = options
  const training = optimizer !== null
  const b = newBuilder()
  const ports = new InputPorts(b, options)
  const env: Environment = {
    b,
    training,
    losses: true,
    weight: (variable) => ports.weight(variable),
    random: lazyRandomStream(b),
  }
  const lowered = lowerNetwork(
    network,
    ports.x,
    ports.x.map(() => null),
    env,
  )

  const perOutput = losses.map((loss, i) => {
    if (!loss) return null
    const [target, output] = [ports.y[i] as Value, lowered.outputs[i] as Value]
    return applyLoss(b, loss, target, output, ports.sampleWeights[i] ?? null, lowered.masks[i] ?? null)
  })
  const terms = perOutput.flatMap((loss, i) => {
    const weight = losses[i]?.weight ?? 1
    return loss ? [weight === 1 ? loss : b.op('Mul', [loss, b.scalar(weight)])] : []
  })
  const penalties = trainable.flatMap(({ spec }, i) => {
    const used = ports.isUsed(trainable[i] as Variable)
    return spec.regularizer && used
      ? [applyRegularizer(b, spec.regularizer, ports.weight(trainable[i] as Variable))]
      : []
  })
  const total = [...terms, ...penalties, ...lowered.losses].reduce((sum, term) => b.op('Add', [sum, term]))

  const stats = statsVector(b, total, perOutput, metricStates(b, metrics, ports, lowered))
  const updates = training ? lowered.updates : []
  const graph = optimizer
    ? trainStep(b, {
        loss: total,
        parameters: trainable.map((variable) => ports.weight(variable)),
        report: stats,
        extra: updates.map(({ value }) => value),
        clip: optimizer.config,
      })
    : optimizeGraph(b.build([stats]))
  return {
    graph,
    outputs: [
      PORTS.stats,
      ...(training ? trainable.map((_, i) => PORTS.gradient(i)) : []),
      ...updates.map((_, i) => PORTS.update(i)),
    ],
    frozen: ports.frozen,
    updated: updates.map(({ variable }) => variable),
    usesRandom: b.inputs.some(({ name }) => name === RANDOM_INPUT),
  }
}

/** The graph's inputs; those of weights appear when a layer asks for them. */
class InputPorts {
  readonly x: readonly Value[]
  readonly y: readonly (Value | null)[]
  readonly sampleWeights: readonly (Value | null)[]
  readonly frozen: Variable[] = []
  readonly #b: Builder
  readonly #trainable: ReadonlyMap<Variable, number>
  readonly #weights = new Map<Variable, Value>()

  constructor(b: Builder, { x, y, sampleWeights, trainable }: StepGraphOptions) {
    this.#b = b
    this.x = x.map((type, i) => b.input(PORTS.x(i), type.dtype, type.shape))
    this.y = y.map((type, i) => type && b.input(PORTS.y(i), type.dtype, type.shape))
    this.sampleWeights = sampleWeights.map((type, i) => type && b.input(PORTS.sampleWeight(i), type.dtype, type.shape))
    this.#trainable = new Map(trainable.map((variable, i) => [variable, i]))
  }

  isUsed(variable: Variable): boolean {
    return this.#weights.has(variable)
  }

  weight(variable: Variable): Value {
    const known = this.#weights.get(variable)
    if (known) return known
    const place = this.#trainable.get(variable)
    const name = place === undefined ? PORTS.frozen(this.frozen.push(variable) - 1) : PORTS.parameter(place)
    const value = this.#b.input(name, variable.dtype, variable.shape)
    this.#weights.set(variable, value)
    return value
  }
}

/** What this batch adds to the states of each metric. Masks enter plain and weighted metrics, weights the latter only. */
function metricStates(b: Builder, metrics: readonly ResolvedMetric[], ports: InputPorts, lowered: Lowered): Value[] {
  return metrics.flatMap(({ def, config, output, weighted }) => {
    const mask = lowered.masks[output] ?? null
    const weight = weighted ? (ports.sampleWeights[output] ?? null) : null
    const flags = mask && b.op('Cast', [mask], { to: DTYPES.float32.onnx })
    const combined = weight && flags ? b.op('Mul', [weight, flags]) : (weight ?? flags)
    return def.batch(b, ports.y[output] as Value, lowered.outputs[output] as Value, combined, config)
  })
}

function statsVector(b: Builder, total: Value, perOutput: readonly (Value | null)[], states: readonly Value[]): Value {
  const losses = perOutput.filter((loss) => loss !== null)
  const parts = [total, ...(losses.length > 1 ? losses : []), ...states].map((value) => {
    const size = sizeOf(value.shape as readonly number[])
    return b.op('Reshape', [value, b.ints([size])])
  })
  return parts.length === 1 ? (parts[0] as Value) : b.op('Concat', parts, { axis: 0 })
}
