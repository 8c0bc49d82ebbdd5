import type { CamelOptions } from '../naming.ts'
import { factory, type ObjectIdentifier } from '../registry.ts'
import type { OptimizerBase, OptimizerDef } from '../types.ts'
import { type AdagradConfig, adagrad } from './adagrad.ts'
import { type AdamConfig, adam } from './adam.ts'
import { BASE_DEFAULTS } from './define.ts'
import { type RmspropConfig, rmsprop } from './rmsprop.ts'
import { type SgdConfig, sgd } from './sgd.ts'

/** What every optimizer takes beside its own options. */
type Shared = OptimizerBase & { readonly name: string }

/** The options of an optimizer with own config C, in camelCase: `learningRate`, `beta1`, `weightDecay`. */
export type OptimizerOptions<C> = CamelOptions<Shared & C>

function make<C extends object>(def: OptimizerDef<C>): (options?: OptimizerOptions<C>) => ObjectIdentifier {
  return factory<C, Shared>(def, { name: '', ...BASE_DEFAULTS })
}

/** `optimizers.adam({ learningRate: 0.01 })`: an identifier for `compile`. What is left out has Keras's default. */
export const optimizers = {
  sgd: make<SgdConfig>(sgd),
  rmsprop: make<RmspropConfig>(rmsprop),
  adagrad: make<AdagradConfig>(adagrad),
  adam: make<AdamConfig>(adam),
} as const
