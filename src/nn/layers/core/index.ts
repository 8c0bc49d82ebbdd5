import type { LayerDef } from '../../types.ts'
import { activation } from './activation.ts'
import { dense } from './dense.ts'
import { einsumDense } from './einsum-dense.ts'
import { embedding } from './embedding.ts'
import { identity } from './identity.ts'
import { inputLayer } from './input-layer.ts'
import { masking } from './masking.ts'

export type { ActivationConfig } from './activation.ts'
export type { DenseConfig } from './dense.ts'
export type { EinsumDenseConfig } from './einsum-dense.ts'
export type { EmbeddingConfig } from './embedding.ts'
export type { IdentityConfig } from './identity.ts'
export type { InputLayerConfig } from './input-layer.ts'
export type { MaskingConfig } from './masking.ts'

/** Layers of every network. */
export const CORE: readonly LayerDef[] = [inputLayer, dense, activation, identity, masking, embedding, einsumDense]
