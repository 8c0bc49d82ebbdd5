import type { LayerDef } from '../../types.ts'
import { flatten } from './flatten.ts'
import { reshape } from './reshape.ts'

export type { FlattenConfig } from './flatten.ts'
export type { ReshapeConfig } from './reshape.ts'

/** Layers that move elements and keep them. */
export const RESHAPING: readonly LayerDef[] = [flatten, reshape]
