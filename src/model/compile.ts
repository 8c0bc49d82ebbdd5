import { RekindleError } from '../errors.ts'
import type { CompileSpec } from '../formats/doc.ts'
import type { Type } from '../graph/index.ts'
import { type ResolvedLoss, resolveLoss } from '../nn/losses/index.ts'
import { resolveMetric } from '../nn/metrics/index.ts'
import { resolveOptimizer } from '../nn/optimizers/index.ts'
import type { Identifier, Json, JsonObject, MetricDef } from '../nn/types.ts'
import { formatShape, type Tensor } from '../tensor/index.ts'
import { checkLabels, type TensorSpec } from './data/index.ts'
import { Optimizer } from './optimizer.ts'
import { checkOptions, type OptionNames } from './options.ts'

/** One value, a list in the order of the outputs, or values by output name. */
export type PerOutput<T> = T | readonly T[] | { readonly [output: string]: T }

export interface CompileOptions {
  /** A name (`'adam'`) or what `optimizers.adam({ … })` gives. Default `rmsprop`, as in Keras. */
  readonly optimizer?: Identifier
  /** A name, what `losses.…()` gives, or one per output; null leaves an output without a loss. */
  readonly loss?: PerOutput<Identifier> | null
  readonly lossWeights?: PerOutput<number> | null
  /** Metrics without sample weights; for several outputs one list per output. */
  readonly metrics?: Metrics | null
  /** Metrics that see sample and class weights. */
  readonly weightedMetrics?: Metrics | null
}

type Metrics =
  | readonly (Identifier | readonly Identifier[])[]
  | { readonly [output: string]: Identifier | readonly Identifier[] }

export interface CompiledLoss extends ResolvedLoss {
  readonly weight: number
}

/** A metric of one output, before the shapes tell what `accuracy` means. */
interface MetricWish {
  readonly identifier: Exclude<Identifier, null>
  readonly output: number
  readonly weighted: boolean
}

export interface ResolvedMetric {
  /** Key in the history. */
  readonly name: string
  readonly def: MetricDef
  readonly config: JsonObject
  readonly output: number
  readonly weighted: boolean
}

/** An output of the model as training sees it. */
export interface OutputSpec {
  readonly name: string
  readonly type: Type
}

/** The settings of `compile`, resolved to records. */
export class Compiled {
  readonly spec: CompileSpec
  readonly optimizer: Optimizer
  readonly outputs: readonly OutputSpec[]
  readonly #losses: (CompiledLoss | null)[]
  /** Losses called `crossentropy`: the shape of the targets says which one is meant. */
  readonly #byShapes = new Map<number, { readonly identifier: string; readonly weight: number }>()
  readonly #wishes: readonly MetricWish[]

  /**
   * @param onUnsupported is told of metrics that are left out because they are not known here; without it they are
   *   refused.
   * @throws RekindleError for an optimizer, loss or metric that is unknown or does not fit the outputs.
   */
  constructor(spec: CompileSpec, outputs: readonly OutputSpec[], onUnsupported?: (message: string) => void) {
    this.spec = spec
    this.outputs = outputs
    const { def, config } = resolveOptimizer(spec.optimizer as Exclude<Identifier, null>)
    this.optimizer = new Optimizer(def, config)
    const weights = perOutput(spec.lossWeights, outputs, 'lossWeights')
    this.#losses = perOutput(spec.loss, outputs, 'loss').map((identifier, i) => {
      if (identifier === null || identifier === undefined) return null
      const weight = typeof weights[i] === 'number' ? weights[i] : 1
      if (typeof identifier === 'string' && ['crossentropy', 'ce'].includes(identifier.toLowerCase())) {
        this.#byShapes.set(i, { identifier, weight })
        return null
      }
      return { ...resolveLoss(identifier as Exclude<Identifier, null>), weight }
    })
    const all = [...wishes(spec.metrics, outputs, false), ...wishes(spec.weightedMetrics, outputs, true)]
    this.#wishes = all.filter((wish) => isKnownMetric(wish, onUnsupported))
  }

  get losses(): readonly (CompiledLoss | null)[] {
    return this.#losses
  }

  /** Which outputs need targets. */
  get targets(): readonly boolean[] {
    return this.#losses.map(
      (loss, i) => loss !== null || this.#byShapes.has(i) || this.#wishes.some((wish) => wish.output === i),
    )
  }

  /** @throws RekindleError `E_INVALID_STATE` when no output has a loss: there is nothing to train or evaluate. */
  requireLoss(): void {
    if (this.#byShapes.size > 0 || this.#losses.some((loss) => loss !== null)) return
    throw new RekindleError('E_INVALID_STATE', 'the model is compiled without a loss', {
      hint: 'call compile({ loss: … }) to train or evaluate it',
    })
  }

  /** Lets the shape of the targets decide what `crossentropy` means for an output. */
  bindTargets(output: number, shape: readonly number[]): void {
    const wish = this.#byShapes.get(output)
    if (!wish) return
    const yPred = (this.outputs[output] as OutputSpec).type.shape
    this.#losses[output] = { ...resolveLoss(wish.identifier, { yTrue: shape, yPred }), weight: wish.weight }
    this.#byShapes.delete(output)
  }

  /** What the targets of an output must look like. */
  targetSpec(output: number): TensorSpec {
    const { name, type } = this.outputs[output] as OutputSpec
    if (this.#byShapes.has(output)) return { name, dtype: null, shape: null }
    const loss = this.#losses[output]
    if (loss?.def.sparseTargets) return { name, dtype: 'int32', shape: null }
    const shape = type.shape.map((dim) => (typeof dim === 'number' ? dim : null))
    return { name, dtype: 'float32', shape: loss ? shape : null }
  }

  /**
   * Checks targets before any step: the shape of class numbers, and that each names a class.
   * @throws RekindleError `E_INVALID_SHAPE` or `E_INVALID_DATA`.
   */
  checkTargets(output: number, targets: Tensor, where: string): void {
    const loss = this.losses[output]
    if (!loss?.def.sparseTargets) return
    const { type } = this.outputs[output] as OutputSpec
    const rank = type.shape.length
    const { shape } = targets
    const plain = shape.length === rank - 1 || (shape.length === rank && shape.at(-1) === 1)
    if (!plain) {
      const oneHot = shape.length === rank && shape.at(-1) === type.shape.at(-1)
      throw new RekindleError('E_INVALID_SHAPE', 'the targets must be class numbers', {
        where,
        expected: formatShape(['N', ...type.shape.slice(1, -1)]),
        received: formatShape(shape),
        ...(oneHot && { hint: 'for one-hot targets use categorical_crossentropy' }),
      })
    }
    const classes = type.shape.at(-1)
    const ignored = loss.config.ignore_class ?? null
    if (typeof classes === 'number' && ignored === null) checkLabels(targets, classes, where)
  }

  /** The metrics, now that the shapes of the targets are known, with Keras's names for the history. */
  metricsFor(targets: readonly (readonly number[] | null)[]): readonly ResolvedMetric[] {
    const several = this.outputs.length > 1
    const taken = new Set<string>()
    return this.#wishes.map(({ identifier, output, weighted }) => {
      const { name: outputName, type } = this.outputs[output] as OutputSpec
      const shape = targets[output]
      if (!shape) throw new RekindleError('E_INVALID_DATA', `no targets for the metrics of ${outputName}`)
      const metric = resolveMetric(identifier, shape, type.shape)
      const name = uniqueName(several ? `${outputName}_` : '', metric.name, weighted, taken)
      taken.add(name)
      return { name, def: fitting(metric.def, name, shape, type), config: metric.config, output, weighted }
    })
  }
}

/** The metric, which says in the user's words when the targets do not fit it. */
function fitting(def: MetricDef, name: string, targets: readonly number[], { shape }: Type): MetricDef {
  const batch: MetricDef['batch'] = (...args) => {
    try {
      return def.batch(...args)
    } catch (cause) {
      if (!(cause instanceof RekindleError && cause.code === 'E_INVALID_SHAPE')) throw cause
      throw new RekindleError('E_INVALID_SHAPE', `the targets do not fit the metric ${name}`, {
        expected: `targets for predictions ${formatShape(['N', ...shape.slice(1)])}`,
        received: formatShape(targets),
        cause,
      })
    }
  }
  return { ...def, batch }
}

function isKnownMetric({ identifier }: MetricWish, onUnsupported?: (message: string) => void): boolean {
  try {
    // Only whether it exists is asked here: the shapes that `accuracy` follows from are not known yet.
    resolveMetric(identifier, ['batch'], ['batch', 1])
    return true
  } catch (error) {
    if (!(error instanceof RekindleError && onUnsupported)) throw error
    onUnsupported(error.message)
    return false
  }
}

/** Keras: a weighted metric that collides is called `weighted_<name>`; after that a number tells them apart. */
function uniqueName(output: string, metric: string, weighted: boolean, taken: ReadonlySet<string>): string {
  const stem = `${output}${metric}`
  const base = weighted && taken.has(stem) ? `${output}weighted_${metric}` : stem
  let name = base
  for (let i = 1; taken.has(name); i++) name = `${base}_${i}`
  return name
}

const COMPILE_OPTIONS: OptionNames<CompileOptions> = {
  optimizer: true,
  loss: true,
  lossWeights: true,
  metrics: true,
  weightedMetrics: true,
}

/** The file form of compile options. */
export function compileSpec(options: CompileOptions): CompileSpec {
  checkOptions(options, COMPILE_OPTIONS, 'compile')
  return {
    optimizer: (options.optimizer ?? 'rmsprop') as Json,
    loss: (options.loss ?? null) as Json,
    lossWeights: (options.lossWeights ?? null) as Json,
    metrics: (options.metrics ?? null) as Json,
    weightedMetrics: (options.weightedMetrics ?? null) as Json,
  }
}

function isIdentifierObject(value: Json): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 'class_name' in value
}

/** One entry per output from a single value, a list, or a dictionary by output name. */
function perOutput(value: Json, outputs: readonly OutputSpec[], where: string): readonly (Json | undefined)[] {
  if (value === null || value === undefined) return outputs.map(() => undefined)
  if (Array.isArray(value)) {
    if (value.length === outputs.length) return value
    throw new RekindleError('E_INVALID_ARGUMENT', 'one entry per output', {
      where,
      expected: String(outputs.length),
      received: String(value.length),
    })
  }
  if (typeof value !== 'object' || isIdentifierObject(value)) return outputs.map(() => value)
  const byName = value as { readonly [name: string]: Json }
  const names = outputs.map(({ name }) => name)
  const stranger = Object.keys(byName).find((name) => !names.includes(name))
  if (stranger !== undefined) {
    throw new RekindleError('E_INVALID_ARGUMENT', `no output ${stranger}`, { where, expected: names.join(', ') })
  }
  return names.map((name) => byName[name])
}

function wishes(value: Json, outputs: readonly OutputSpec[], weighted: boolean): MetricWish[] {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return []
  // A flat list belongs to the only output; with several outputs Keras wants one entry per output.
  const list = Array.isArray(value) && outputs.length === 1 && value.length !== 0
  const nested = list && value.length === 1 && Array.isArray(value[0])
  const entries = list
    ? [nested ? value[0] : value]
    : perOutput(value, outputs, weighted ? 'weightedMetrics' : 'metrics')
  return entries.flatMap((entry, output) => {
    const items: readonly Json[] = Array.isArray(entry) ? entry.flat() : entry === undefined ? [] : [entry as Json]
    return items
      .filter((item) => item !== null)
      .map((item) => ({ identifier: item as Exclude<Identifier, null>, output, weighted }))
  })
}
