import type { LayerDef } from '../../types.ts'
import { activation } from './activation.ts'
import { dense } from './dense.ts'
import { inputLayer } from './input-layer.ts'

export type { ActivationConfig } from './activation.ts'
export type { DenseConfig } from './dense.ts'
export type { InputLayerConfig } from './input-layer.ts'

/** Layers of every network. */
export const CORE: readonly LayerDef[] = [inputLayer, dense, activation]
