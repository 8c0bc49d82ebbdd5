import type { LayerDef } from '../types.ts'
import { activation } from './core/activation.ts'
import { dense } from './core/dense.ts'
import { inputLayer } from './core/input-layer.ts'
import { batchNormalization } from './normalization/batch-normalization.ts'
import { dropout } from './regularization/dropout.ts'
import { flatten } from './reshaping/flatten.ts'
import { reshape } from './reshaping/reshape.ts'

export type { ActivationConfig } from './core/activation.ts'
export type { DenseConfig } from './core/dense.ts'
export type { InputLayerConfig } from './core/input-layer.ts'
export { completeConfig, defineLayer } from './define.ts'
export type { BatchNormalizationConfig } from './normalization/batch-normalization.ts'
export type { DropoutConfig } from './regularization/dropout.ts'
export type { FlattenConfig } from './reshaping/flatten.ts'
export type { ReshapeConfig } from './reshaping/reshape.ts'

/** The layers of the house. To add one: its record in a file of its family, and its name here. */
const RECORDS: readonly LayerDef[] = [inputLayer, dense, activation, flatten, reshape, dropout, batchNormalization]

/** Every layer record by class name. */
export const LAYERS: ReadonlyMap<string, LayerDef> = new Map(
  RECORDS.flatMap((def) => [def.className, ...(def.aliases ?? [])].map((name) => [name, def] as const)),
)
