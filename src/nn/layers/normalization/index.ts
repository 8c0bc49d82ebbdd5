import type { LayerDef } from '../../types.ts'
import { batchNormalization } from './batch-normalization.ts'
import { groupNormalization } from './group-normalization.ts'
import { layerNormalization } from './layer-normalization.ts'
import { rmsNormalization } from './rms-normalization.ts'
import { unitNormalization } from './unit-normalization.ts'

export type { BatchNormalizationConfig } from './batch-normalization.ts'
export type { GroupNormalizationConfig } from './group-normalization.ts'
export type { LayerNormalizationConfig } from './layer-normalization.ts'
export type { RMSNormalizationConfig } from './rms-normalization.ts'
export type { UnitNormalizationConfig } from './unit-normalization.ts'

/** Layers that bring their input to a scale. */
export const NORMALIZATION: readonly LayerDef[] = [
  batchNormalization,
  layerNormalization,
  groupNormalization,
  rmsNormalization,
  unitNormalization,
]
