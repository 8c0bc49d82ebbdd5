import type { JsonObject } from '../doc.ts'

/** Who wrote the optimizer's variables: each has names and an order of its own. */
export type OptimizerEra = 'keras3' | 'keras2' | 'legacy'

/** One kind of variable that an optimizer keeps for each weight. */
export interface StoredSlot {
  /** Keras 3's name. */
  readonly slot: string
  /** The name in this era's files. */
  readonly stored: string
  /** Present in the file although the optimizer does not use it. */
  readonly idle?: boolean
}

/**
 * The variables after the scalars, as groups: within a group those of one weight stand together
 * (`m a, v a, m b, v b`), the next group follows after all weights.
 */
export type Layout = readonly (readonly StoredSlot[])[]

type LayoutOf = (config: JsonObject) => Layout

/** Slots as Keras 3 orders them; the two older families by their own names. */
interface OptimizerRow {
  readonly keras3: LayoutOf
  readonly keras2: LayoutOf
  readonly legacy?: LayoutOf
}

const same = (...slots: string[]): StoredSlot[] => slots.map((slot) => ({ slot, stored: slot }))
const as = (slot: string, stored: string): StoredSlot => ({ slot, stored })
const when = (condition: unknown, ...group: StoredSlot[]): Layout => (condition ? [group] : [])
const each = (...slots: StoredSlot[]): Layout => slots.map((slot) => [slot])

/** `keras/src/optimizers/*.py`, `tf_keras/src/optimizers/*.py` and its `legacy/`: build order and variable names. */
const ROWS: { readonly [className: string]: OptimizerRow } = {
  SGD: {
    keras3: (c) => when(c.momentum, ...same('momentum')),
    keras2: (c) => [[{ ...as('momentum', 'm'), idle: !c.momentum }]],
    legacy: (c) => when(c.momentum, ...same('momentum')),
  },
  RMSprop: {
    keras3: (c) => [
      same('velocity'),
      ...when(c.momentum, ...same('momentum')),
      ...when(c.centered, ...same('average_gradient')),
    ],
    keras2: (c) => ROWS.RMSprop?.keras3(c) ?? [],
    legacy: (c) => [
      [as('velocity', 'rms')],
      ...when(c.momentum, ...same('momentum')),
      ...when(c.centered, as('average_gradient', 'mg')),
    ],
  },
  Adagrad: {
    keras3: () => [same('accumulator')],
    keras2: () => [same('accumulator')],
    legacy: () => [same('accumulator')],
  },
  Adadelta: {
    keras3: () => [same('accumulated_grad', 'accumulated_delta_var')],
    keras2: () => [same('accumulated_grad', 'accumulated_delta_var')],
    legacy: () => each(as('accumulated_grad', 'accum_grad'), as('accumulated_delta_var', 'accum_var')),
  },
  Adam: {
    keras3: (c) => [same('momentum', 'velocity'), ...when(c.amsgrad, ...same('velocity_hat'))],
    keras2: (c) => [[as('momentum', 'm'), as('velocity', 'v')], ...when(c.amsgrad, as('velocity_hat', 'vhat'))],
    legacy: (c) => [...each(as('momentum', 'm'), as('velocity', 'v')), ...when(c.amsgrad, as('velocity_hat', 'vhat'))],
  },
  AdamW: {
    keras3: (c) => ROWS.Adam?.keras3(c) ?? [],
    keras2: (c) => ROWS.Adam?.keras2(c) ?? [],
  },
  Adamax: {
    keras3: () => [same('momentum', 'norm')],
    keras2: () => [[as('momentum', 'm'), as('norm', 'u')]],
    legacy: () => each(as('momentum', 'm'), as('norm', 'v')),
  },
  Ftrl: {
    keras3: () => [same('accumulator', 'linear')],
    keras2: () => [same('accumulator', 'linear')],
    legacy: () => [same('accumulator', 'linear')],
  },
  Lion: {
    keras3: () => [same('momentum')],
    keras2: () => [[as('momentum', 'm')]],
  },
}

/** The class that a name means: Keras finds its own optimizers without regard to case. */
export function optimizerClass(name: string): string {
  return Object.keys(ROWS).find((className) => className.toLowerCase() === name.toLowerCase()) ?? name
}

/**
 * How a file of an era lays out the optimizer's slots; undefined for optimizers whose state Rekindle cannot tell.
 * Moving averages and accumulated gradients stand before the optimizer's own.
 */
export function optimizerLayout(className: string, config: JsonObject, era: OptimizerEra): Layout | undefined {
  const own = Object.hasOwn(ROWS, className) ? ROWS[className]?.[era]?.(config) : undefined
  if (!own) return undefined
  const averages = config.use_ema === true ? [same('average')] : []
  const gradients = config.gradient_accumulation_steps ? [same('gradient_accumulator')] : []
  return [...averages, ...gradients, ...own]
}

/**
 * Layouts of releases before the named variables (Keras 1 to 2.3): SGD always kept a moment, and Adam a single zero
 * for each weight in place of the unused `vhat`.
 */
export function oldestLayouts(className: string, config: JsonObject): readonly Layout[] {
  if (className === 'SGD') return [[same('momentum')]]
  if (className === 'Adam' && !config.amsgrad) {
    return [each(as('momentum', 'm'), as('velocity', 'v'), { ...as('velocity_hat', 'vhat'), idle: true })]
  }
  return []
}
