import type { LayerDef } from '../../types.ts'
import { prelu } from './prelu.ts'
import { ACTIVATION_LAYERS } from './simple.ts'
import { softmax } from './softmax.ts'

export type { PReLUConfig } from './prelu.ts'
export type { ELUConfig, LeakyReLUConfig, ReLUConfig } from './simple.ts'
export type { SoftmaxConfig } from './softmax.ts'

/** Activation functions that are layers of their own. */
export const ACTIVATION: readonly LayerDef[] = [...ACTIVATION_LAYERS, prelu, softmax]
