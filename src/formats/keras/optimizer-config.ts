import {
  findOptimizer,
  resolveOptimizer,
  serializeLegacyOptimizer,
  serializeOptimizer,
} from '../../nn/optimizers/index.ts'
import type { Identifier } from '../../nn/types.ts'
import type { Json, JsonObject } from '../doc.ts'
import { isKerasObject, unwrap, wrap } from './objects.ts'
import { type OptimizerEra, optimizerClass, optimizerLayout } from './optimizer-layouts.ts'
import type { Report } from './report.ts'
import { field, isObject, without } from './values.ts'

/** An optimizer's class and canonical config. */
export interface OptimizerSpec {
  readonly className: string
  readonly config: JsonObject
}

/** The wrapper by which tf-keras marks its newer optimizers in HDF5. */
const CUSTOM = 'Custom>'
/** Keys of Keras 2 that say how, not what. */
const KERAS_2_ONLY = ['jit_compile', 'is_legacy_optimizer']
/** Keys that only Keras 3 has, and the value that means "not used". */
const KERAS_3_ONLY: JsonObject = { loss_scale_factor: null, gradient_accumulation_steps: null }
/** Keys of both newer families that no legacy optimizer knows, and the value that means "not used". */
const NOT_LEGACY: JsonObject = {
  ...KERAS_3_ONLY,
  weight_decay: null,
  use_ema: false,
  ema_momentum: 0.99,
  ema_overwrite_frequency: null,
}
const SCHEDULES = 'keras.optimizers.schedules'

/** Which family's optimizer a config is; `family` is who wrote the file. */
export function optimizerEra(node: Json | undefined, family: 'keras2' | 'keras3'): OptimizerEra {
  if (family === 'keras3') return 'keras3'
  // Only `.keras` files of tf-keras keep the bare name, and they hold none of the legacy optimizers.
  if (typeof node === 'string') return 'keras2'
  const className = field(node, 'class_name')
  const isNew = typeof className === 'string' && className.startsWith(CUSTOM)
  return isNew || field(field(node, 'config'), 'is_legacy_optimizer') === false ? 'keras2' : 'legacy'
}

/**
 * An optimizer in canonical form: Keras 3's spelling without its wrapping. Keras 2's legacy optimizers are marked
 * `legacy: true`, since their update differs in places.
 */
export function readOptimizer(node: Json, era: OptimizerEra): Json {
  if (!isKerasObject(node)) return node
  const className = node.class_name.startsWith(CUSTOM) ? node.class_name.slice(CUSTOM.length) : node.class_name
  const given = field(node, 'config')
  const config = new Map(Object.entries(isObject(given) ? given : {}))
  for (const key of KERAS_2_ONLY) config.delete(key)
  const oldRate = config.get('lr')
  if (oldRate !== undefined) {
    if (!config.has('learning_rate')) config.set('learning_rate', oldRate)
    config.delete('lr')
  }
  // Keras 2 names an optimizer by its class, Keras 3 in small letters.
  if (config.get('name') === className) config.set('name', className.toLowerCase())
  if (era === 'legacy') config.set('legacy', true)
  return { class_name: className, config: unwrap(Object.fromEntries(config)) }
}

/** The optimizer of a compile spec, with its complete config where its class is known. */
export function optimizerSpec(optimizer: Json): OptimizerSpec | null {
  const className = typeof optimizer === 'string' ? optimizer : field(optimizer, 'class_name')
  if (typeof className !== 'string') return null
  const given = field(optimizer, 'config')
  const plain = { className: optimizerClass(className), config: isObject(given) ? given : {} }
  if (!findOptimizer(className)) return plain
  try {
    const { def, config } = resolveOptimizer(optimizer as Exclude<Identifier, null>)
    return { className: def.className, config }
  } catch {
    // A config that the table refuses is still carried.
    return plain
  }
}

/** Keras 3's own form. */
export function writeKeras3Optimizer(spec: OptimizerSpec, report: Report): Json {
  warnAboutLegacy(spec, report)
  const resolved = resolve(spec)
  const form = resolved
    ? serializeOptimizer(resolved)
    : (wrap(
        { class_name: spec.className, config: without(spec.config, ['legacy', 'decay']) },
        'keras.optimizers',
      ) as JsonObject)
  return wrapSchedule(form)
}

function resolve({ className, config }: OptimizerSpec): ReturnType<typeof resolveOptimizer> | null {
  if (!findOptimizer(className)) return null
  try {
    return resolveOptimizer({ class_name: className, config })
  } catch {
    return null
  }
}

function warnAboutLegacy({ className, config }: OptimizerSpec, report: Report): void {
  if (config.legacy !== true) return
  if (config.decay) {
    report.warn('decay-lost', 'Keras 3 has no `decay`: there the learning rate will stay constant')
  }
  if (hasOwnLegacyFormula(className, config)) {
    report.warn('formula-differs', `Keras 3's ${className} adds epsilon elsewhere: its steps will differ slightly`)
  }
}

/** Legacy optimizers whose update is not that of the newer ones. */
export function hasOwnLegacyFormula(className: string, config: JsonObject): boolean {
  return className === 'Adagrad' || (className === 'RMSprop' && !config.momentum)
}

/**
 * The spelling that Keras 3 and tf-keras read alike (as a legacy optimizer there); null when the settings have none.
 */
export function writeCommonOptimizer(spec: OptimizerSpec): Json {
  if (!optimizerLayout(spec.className, spec.config, 'legacy')) return null
  const resolved = resolve(spec)
  if (resolved) {
    const form = serializeLegacyOptimizer(resolved)
    return form === null ? null : wrapSchedule(form)
  }
  const inUse = Object.entries(NOT_LEGACY).some(([key, unused]) => isSet(spec.config, key, unused))
  if (inUse) return null
  const config = { decay: 0, ...without(spec.config, ['legacy', ...Object.keys(NOT_LEGACY)]) }
  const given = Object.entries(config).filter(
    ([key, value]) => !(key.startsWith('clip') && value === null) && !(key === 'global_clipnorm' && value === null),
  )
  return wrapSchedule({ class_name: spec.className, config: Object.fromEntries(given) })
}

/** tf-keras's newer optimizers; null when it has no such optimizer or setting. */
export function writeKeras2Optimizer(spec: OptimizerSpec): Json {
  if (!optimizerLayout(spec.className, spec.config, 'keras2')) return null
  if (Object.entries(KERAS_3_ONLY).some(([key, unused]) => isSet(spec.config, key, unused))) return null
  const resolved = resolve(spec)
  const complete = resolved ? (serializeOptimizer(resolved).config as JsonObject) : spec.config
  const { name: _, ...rest } = without(complete, [...Object.keys(KERAS_3_ONLY), 'legacy', 'decay']) as JsonObject
  const config = { name: spec.className, ...rest, jit_compile: false, is_legacy_optimizer: false }
  return wrapSchedule({ class_name: `${CUSTOM}${spec.className}`, config })
}

function isSet(config: JsonObject, key: string, unused: Json): boolean {
  if (!Object.hasOwn(config, key)) return false
  // How fast an average would move says nothing while there is none.
  if (key.startsWith('ema_')) return config.use_ema === true
  return config[key] !== unused && config[key] !== null
}

/** A schedule as learning rate: both families read Keras 3's wrapping, which needs a name in the config. */
function wrapSchedule(form: JsonObject): JsonObject {
  const config = form.config as JsonObject
  const rate = config.learning_rate as Json
  if (!isKerasObject(rate)) return form
  const inner = field(rate, 'config')
  const named =
    isObject(inner) && (inner.name === undefined || inner.name === null) ? { ...inner, name: rate.class_name } : inner
  const schedule = wrap({ ...rate, config: named ?? {} }, SCHEDULES)
  return { ...form, config: { ...config, learning_rate: schedule } }
}
