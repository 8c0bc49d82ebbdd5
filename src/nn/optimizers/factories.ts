import type { CamelOptions } from '../naming.ts'
import { factory, type ObjectIdentifier } from '../registry.ts'
import type { OptimizerBase, OptimizerDef } from '../types.ts'
import { adagrad } from './adagrad.ts'
import { adam } from './adam.ts'
import { BASE_DEFAULTS } from './define.ts'
import { rmsprop } from './rmsprop.ts'
import { sgd } from './sgd.ts'

/** What every optimizer takes beside its own options. */
type Shared = OptimizerBase & { readonly name: string }

/** The options of an optimizer with own config C, in camelCase: `learningRate`, `beta1`, `weightDecay`. */
export type OptimizerOptions<C> = CamelOptions<Shared & C>

function make<C extends object>(def: OptimizerDef<C>): (options?: OptimizerOptions<C>) => ObjectIdentifier {
  return factory<C, Shared>(def, { name: '', ...BASE_DEFAULTS })
}

/** `optimizers.adam({ learningRate: 0.01 })`: an identifier for `compile`. What is left out has Keras's default. */
export const optimizers = {
  sgd: make(sgd),
  rmsprop: make(rmsprop),
  adagrad: make(adagrad),
  adam: make(adam),
} as const
