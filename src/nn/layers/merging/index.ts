import type { LayerDef } from '../../types.ts'
import { concatenate } from './concatenate.ts'
import { dot } from './dot.ts'
import { ELEMENTWISE } from './elementwise.ts'

export type { ConcatenateConfig } from './concatenate.ts'
export type { DotConfig } from './dot.ts'
export type { MergingConfig } from './elementwise.ts'

/** Layers that make one tensor of several. */
export const MERGING: readonly LayerDef[] = [...ELEMENTWISE, concatenate, dot]
