import type { LayerDef } from '../../types.ts'
import { CROPPING } from './cropping.ts'
import { flatten } from './flatten.ts'
import { permute } from './permute.ts'
import { repeatVector } from './repeat-vector.ts'
import { reshape } from './reshape.ts'
import { UP_SAMPLING } from './up-sampling.ts'
import { ZERO_PADDING } from './zero-padding.ts'

export type { CroppingConfig, ImageCroppingConfig } from './cropping.ts'
export type { FlattenConfig } from './flatten.ts'
export type { PermuteConfig } from './permute.ts'
export type { RepeatVectorConfig } from './repeat-vector.ts'
export type { ReshapeConfig } from './reshape.ts'
export type { UpSampling1DConfig, UpSampling2DConfig, UpSamplingConfig } from './up-sampling.ts'
export type { ZeroPaddingConfig } from './zero-padding.ts'

/** Layers that move, repeat or cut elements and change none. */
export const RESHAPING: readonly LayerDef[] = [
  flatten,
  reshape,
  permute,
  repeatVector,
  ...CROPPING,
  ...ZERO_PADDING,
  ...UP_SAMPLING,
]
