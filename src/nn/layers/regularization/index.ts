import type { LayerDef } from '../../types.ts'
import { dropout } from './dropout.ts'

export type { DropoutConfig } from './dropout.ts'

/** Layers that act in training only. */
export const REGULARIZATION: readonly LayerDef[] = [dropout]
