import { RekindleError } from '../../errors.ts'
import { parseIdentifier } from '../registry.ts'
import type { Identifier, Json, JsonObject, OptimizerDef } from '../types.ts'
import { adagrad } from './adagrad.ts'
import { adam } from './adam.ts'
import {
  BASE_DEFAULTS,
  CLIP_KEYS,
  checkHyperparameter,
  FLOAT_KEYS,
  LEGACY_KEYS,
  type OptimizerConfig,
  withoutLegacyKeys,
} from './define.ts'
import { rmsprop } from './rmsprop.ts'
import { sgd } from './sgd.ts'

export { type OptimizerOptions, optimizers } from './factories.ts'
export { FLOAT_KEYS, type OptimizerConfig }

/** The optimizers by class name. */
export const OPTIMIZERS: { readonly [className: string]: OptimizerDef } = {
  SGD: sgd,
  RMSprop: rmsprop,
  Adagrad: adagrad,
  Adam: adam,
}

const BY_LOWER_CASE: ReadonlyMap<string, OptimizerDef> = new Map(
  Object.values(OPTIMIZERS).map((def) => [def.className.toLowerCase(), def]),
)

/** The record of that class name; Keras looks its own optimizers up without regard to case. */
export function findOptimizer(name: string): OptimizerDef | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase())
}

export interface ResolvedOptimizer {
  readonly def: OptimizerDef
  readonly config: OptimizerConfig
}

/**
 * The optimizer that an identifier names, with its complete config: `name`, the shared keys, the optimizer's own, in
 * Keras's order. `legacy` and `decay` (Keras 2's) are accepted, and present only when given. A null epsilon, as old
 * files have it, means the default.
 *
 * @throws RekindleError `E_INVALID_CONFIG` for an unknown optimizer (lists the known ones), an unknown key or a value
 * that cannot be right.
 */
export function resolveOptimizer(identifier: Exclude<Identifier, null>): ResolvedOptimizer {
  const { name, config: given } = parseIdentifier(identifier, 'optimizer')
  const def = findOptimizer(name)
  if (!def) {
    throw new RekindleError('E_INVALID_CONFIG', `unknown optimizer ${JSON.stringify(name)}`, {
      expected: `one of ${[...BY_LOWER_CASE.keys()].join(', ')}`,
    })
  }
  const defaults: JsonObject = {
    name: def.className.toLowerCase(),
    ...(BASE_DEFAULTS as unknown as JsonObject),
    ...def.base,
    ...def.defaults,
  }
  const config: Record<string, Json> = { ...defaults }
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, key) && !LEGACY_KEYS.includes(key as 'legacy')) {
      throw new RekindleError('E_INVALID_CONFIG', `${def.className} has no option ${key}`, {
        where: 'optimizer',
        expected: Object.keys(defaults).join(', '),
      })
    }
    if (value === null && (key === 'epsilon' || key === 'name')) continue
    checkHyperparameter(key, value, defaults[key] === null, 'optimizer')
    config[key] = value
  }
  const clips = CLIP_KEYS.filter((key) => config[key] !== null)
  if (clips.length > 1) {
    throw new RekindleError('E_INVALID_CONFIG', 'gradients can be clipped in one way only', {
      where: 'optimizer',
      received: clips.join(', '),
    })
  }
  return { def, config: config as unknown as OptimizerConfig }
}

/** Keras 3's form. The learning rate is written as the float32 that Keras holds. */
export function serializeOptimizer({ def, config }: ResolvedOptimizer): JsonObject {
  return {
    module: 'keras.optimizers',
    class_name: def.className,
    config: { ...withoutLegacyKeys(config), learning_rate: asFloat32(config.learning_rate) },
    registered_name: null,
  }
}

/**
 * The spelling that Keras 2 (its legacy optimizers) and Keras 3 both read, or null when the settings have none:
 * weight decay, moving averages, gradient accumulation and loss scaling are Keras 3's alone.
 */
export function serializeLegacyOptimizer({ def, config }: ResolvedOptimizer): JsonObject | null {
  if (keras3Only(config)) return null
  const clips = CLIP_KEYS.filter((key) => config[key] !== null).map((key) => [key, config[key]])
  const own = Object.keys(def.defaults).map((key) => [key, config[key]])
  return {
    class_name: def.className,
    config: {
      name: config.name,
      ...Object.fromEntries(clips),
      learning_rate: asFloat32(config.learning_rate),
      decay: config.decay ?? 0,
      ...Object.fromEntries(own),
    },
  }
}

function keras3Only(config: OptimizerConfig): boolean {
  const { weight_decay: decay, use_ema: average, loss_scale_factor: scale, gradient_accumulation_steps: steps } = config
  return decay !== null || average || scale !== null || steps !== null
}

function asFloat32<T extends Json>(value: T): T | number {
  return typeof value === 'number' ? Math.fround(value) : value
}

/** One variable of the optimizer: a slot of the weight with that index. */
export interface OptimizerVariable {
  readonly slot: string
  readonly weight: number
}

/** The optimizer's variables in Keras 3's order, without the `iteration` and `learning_rate` that stand before them. */
export function optimizerVariables({ def, config }: ResolvedOptimizer, weights: number): readonly OptimizerVariable[] {
  return def
    .slots(config)
    .flatMap((group) =>
      Array.from({ length: weights }, (_, weight) => group.map(({ name }) => ({ slot: name, weight }))).flat(),
    )
}

/**
 * The learning rate of a step. `iterations` counts the updates done before it.
 * @throws RekindleError `E_UNSUPPORTED_OPTION` for a schedule.
 */
export function learningRateAt(config: OptimizerConfig, iterations: number): number {
  const { learning_rate: rate, decay = 0 } = config
  if (typeof rate !== 'number') {
    throw new RekindleError('E_UNSUPPORTED_OPTION', 'learning-rate schedules cannot be run yet', {
      where: 'optimizer',
      received: JSON.stringify(rate.class_name ?? rate),
    })
  }
  const { fround } = Math
  return decay === 0 ? rate : fround(fround(rate) / fround(1 + fround(fround(decay) * iterations)))
}

/**
 * Refuses the settings that the file may carry but training does not follow yet.
 * @throws RekindleError `E_UNSUPPORTED_OPTION`.
 */
export function requireTrainable(config: OptimizerConfig): void {
  const untried = (['use_ema', 'loss_scale_factor', 'gradient_accumulation_steps'] as const).find((key) => config[key])
  if (untried === undefined) return
  throw new RekindleError('E_UNSUPPORTED_OPTION', `training with ${untried} is not supported yet`, {
    where: 'optimizer',
  })
}
