import type { LayerDef } from '../../types.ts'
import { rescaling } from './rescaling.ts'

export type { RescalingConfig } from './rescaling.ts'

/** Layers that make numbers ready for a network. */
export const PREPROCESSING: readonly LayerDef[] = [rescaling]
