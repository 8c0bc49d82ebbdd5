import type { LayerDef } from '../../types.ts'
import { CONVOLUTIONS } from './convolution.ts'
import { DEPTHWISE_CONVOLUTIONS } from './depthwise.ts'
import { SEPARABLE_CONVOLUTIONS } from './separable.ts'
import { TRANSPOSED_CONVOLUTIONS } from './transposed.ts'

export type { ConvolutionConfig } from './convolution.ts'
export type { DepthwiseConvolutionConfig } from './depthwise.ts'
export type { SeparableConvolutionConfig } from './separable.ts'
export type { TransposedConvolutionConfig } from './transposed.ts'

/** Layers that slide kernels over space or time. */
export const CONVOLUTIONAL: readonly LayerDef[] = [
  ...CONVOLUTIONS,
  ...TRANSPOSED_CONVOLUTIONS,
  ...DEPTHWISE_CONVOLUTIONS,
  ...SEPARABLE_CONVOLUTIONS,
]
