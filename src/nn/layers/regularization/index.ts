import type { LayerDef } from '../../types.ts'
import { activityRegularization } from './activity-regularization.ts'
import { alphaDropout } from './alpha-dropout.ts'
import { dropout } from './dropout.ts'
import { gaussianDropout, gaussianNoise } from './gaussian.ts'
import { SPATIAL_DROPOUT } from './spatial-dropout.ts'

export type { ActivityRegularizationConfig } from './activity-regularization.ts'
export type { AlphaDropoutConfig } from './alpha-dropout.ts'
export type { DropoutConfig } from './dropout.ts'
export type { GaussianDropoutConfig, GaussianNoiseConfig } from './gaussian.ts'
export type { SpatialDropout1DConfig, SpatialDropoutConfig } from './spatial-dropout.ts'

/** Layers that act in training only. */
export const REGULARIZATION: readonly LayerDef[] = [
  dropout,
  ...SPATIAL_DROPOUT,
  gaussianDropout,
  gaussianNoise,
  alphaDropout,
  activityRegularization,
]
