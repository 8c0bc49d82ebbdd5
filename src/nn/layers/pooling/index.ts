import type { LayerDef } from '../../types.ts'
import { ADAPTIVE_POOLS } from './adaptive-pool.ts'
import { GLOBAL_POOLS } from './global-pool.ts'
import { WINDOW_POOLS } from './window-pool.ts'

export type { AdaptivePoolingConfig } from './adaptive-pool.ts'
export type { GlobalPoolingConfig } from './global-pool.ts'
export type { PoolingConfig } from './window-pool.ts'

/** Layers that sum up neighbourhoods. */
export const POOLING: readonly LayerDef[] = [...WINDOW_POOLS, ...GLOBAL_POOLS, ...ADAPTIVE_POOLS]
