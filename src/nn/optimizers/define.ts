import { describeValue, RekindleError } from '../../errors.ts'
import type { Builder, Value } from '../../graph/index.ts'
import type { Json, JsonObject, OptimizerBase, OptimizerDef, UpdateInputs, UpdateOutputs } from '../types.ts'

/** A complete optimizer config: `name`, the keys that all optimizers share, the optimizer's own, the legacy ones. */
export type OptimizerConfig = OptimizerBase & LegacyKeys & { readonly name: string } & { readonly [key: string]: Json }

/** What only files of Keras 2's legacy optimizers bring along; Keras 3 has no place for it. */
export interface LegacyKeys {
  /** The update follows the legacy formula where it differs (RMSprop without momentum, Adagrad). */
  readonly legacy?: boolean
  /** The learning rate falls as lr / (1 + decay · iterations). */
  readonly decay?: number
}

export const LEGACY_KEYS = ['legacy', 'decay'] as const

export const BASE_DEFAULTS: OptimizerBase = {
  learning_rate: 0.001,
  weight_decay: null,
  clipnorm: null,
  global_clipnorm: null,
  clipvalue: null,
  use_ema: false,
  ema_momentum: 0.99,
  ema_overwrite_frequency: null,
  loss_scale_factor: null,
  gradient_accumulation_steps: null,
}

/** At most one of these may be set. */
export const CLIP_KEYS = ['clipnorm', 'global_clipnorm', 'clipvalue'] as const

/** An optimizer record with its own config C and its slots' names S: those that a config leaves out are not read. */
type OptimizerRecord<C, S extends string> = Omit<OptimizerDef<C & LegacyKeys>, 'update'> & {
  readonly update: (
    b: Builder,
    x: UpdateInputs & { readonly slots: { readonly [K in S]: Value } },
    config: C & LegacyKeys,
  ) => UpdateOutputs
}

/**
 * The record as the table holds it: the config's type is the record's own affair.
 * Configs reach a record only through `resolveOptimizer`, which is why the cast is safe.
 */
export function defineOptimizer<C extends object, S extends string>(
  def: OptimizerRecord<C, S>,
): OptimizerDef<C> & OptimizerDef {
  return def as unknown as OptimizerDef<C> & OptimizerDef
}

type Rule =
  | { readonly kind: 'float' | 'integer'; readonly least: number; readonly most?: number }
  | { readonly kind: 'flag' }

const POSITIVE: Rule = { kind: 'float', least: 0 }
const FRACTION: Rule = { kind: 'float', least: 0, most: 1 }
const FLAG: Rule = { kind: 'flag' }

/** What values a hyperparameter may have, whichever optimizer it belongs to. */
const HYPERPARAMETERS: { readonly [key: string]: Rule } = {
  learning_rate: POSITIVE,
  weight_decay: POSITIVE,
  clipnorm: POSITIVE,
  global_clipnorm: POSITIVE,
  clipvalue: POSITIVE,
  use_ema: FLAG,
  ema_momentum: FRACTION,
  ema_overwrite_frequency: { kind: 'integer', least: 1 },
  loss_scale_factor: POSITIVE,
  gradient_accumulation_steps: { kind: 'integer', least: 2 },
  momentum: FRACTION,
  nesterov: FLAG,
  rho: FRACTION,
  epsilon: POSITIVE,
  centered: FLAG,
  initial_accumulator_value: POSITIVE,
  beta_1: FRACTION,
  beta_2: FRACTION,
  amsgrad: FLAG,
  legacy: FLAG,
  decay: POSITIVE,
}

/** Keys that Python must read as floats: a writer spells them `0.0`, because Keras 3 refuses `0` for some. */
export const FLOAT_KEYS: ReadonlySet<string> = new Set(
  Object.entries(HYPERPARAMETERS).flatMap(([key, { kind }]) => (kind === 'float' ? [key] : [])),
)

/**
 * Checks one value of a config. Null is right where the default is null; an object as learning rate is a schedule.
 * @throws RekindleError `E_INVALID_CONFIG`.
 */
export function checkHyperparameter(key: string, value: Json, nullable: boolean, where: string): void {
  const rule = HYPERPARAMETERS[key]
  if (rule === undefined || (value === null && nullable)) return
  if (key === 'learning_rate' && typeof value === 'object' && value !== null) return
  if (rule.kind === 'flag' ? typeof value === 'boolean' : fits(value, rule)) return
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key}`, {
    where,
    expected: describe(rule),
    received: describeValue(value),
  })
}

function fits(value: Json, rule: Exclude<Rule, { kind: 'flag' }>): boolean {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  if (rule.kind === 'integer' && !Number.isInteger(value)) return false
  return value >= rule.least && value <= (rule.most ?? Number.MAX_VALUE)
}

function describe(rule: Rule): string {
  if (rule.kind === 'flag') return 'true or false'
  const number = rule.kind === 'integer' ? 'a whole number' : 'a number'
  return rule.most === undefined
    ? `${number} of at least ${rule.least}`
    : `${number} from ${rule.least} to ${rule.most}`
}

/** The config of an optimizer without what is Keras 2's alone. */
export function withoutLegacyKeys(config: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !LEGACY_KEYS.includes(key as 'legacy')))
}
