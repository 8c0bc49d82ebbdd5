import type { LayerDef } from '../types.ts'
import { ACTIVATION } from './activation/index.ts'
import { CONVOLUTIONAL } from './convolutional/index.ts'
import { CORE } from './core/index.ts'
import { MERGING } from './merging/index.ts'
import { NORMALIZATION } from './normalization/index.ts'
import { POOLING } from './pooling/index.ts'
import { PREPROCESSING } from './preprocessing/index.ts'
import { RECURRENT } from './recurrent/index.ts'
import { REGULARIZATION } from './regularization/index.ts'
import { RESHAPING } from './reshaping/index.ts'

export { completeConfig, defineLayer } from './define.ts'
export { checkFields } from './fields.ts'

/** The layers of the house by family. To add one: its record in a file of its family, and its name in that list. */
const FAMILIES: readonly (readonly LayerDef[])[] = [
  CORE,
  ACTIVATION,
  MERGING,
  PREPROCESSING,
  RESHAPING,
  REGULARIZATION,
  NORMALIZATION,
  CONVOLUTIONAL,
  POOLING,
  RECURRENT,
]

/** Every layer record by class name. */
export const LAYERS: ReadonlyMap<string, LayerDef> = new Map(
  FAMILIES.flat().flatMap((def) => [def.className, ...(def.aliases ?? [])].map((name) => [name, def] as const)),
)
