import type { LayerDef } from '../../types.ts'
import { batchNormalization } from './batch-normalization.ts'

export type { BatchNormalizationConfig } from './batch-normalization.ts'

/** Layers that bring their input to a scale. */
export const NORMALIZATION: readonly LayerDef[] = [batchNormalization]
