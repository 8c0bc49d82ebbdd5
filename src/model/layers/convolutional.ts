import type {
  ConvolutionConfig,
  DepthwiseConvolutionConfig,
  SeparableConvolutionConfig,
  TransposedConvolutionConfig,
} from '../../nn/layers/convolutional/index.ts'
import { factory, type LayerFactory } from './factory.ts'

type Convolution = LayerFactory<ConvolutionConfig, 'filters' | 'kernelSize'>
type TransposedConvolution = LayerFactory<TransposedConvolutionConfig, 'filters' | 'kernelSize'>
type DepthwiseConvolution = LayerFactory<DepthwiseConvolutionConfig, 'kernelSize'>
type SeparableConvolution = LayerFactory<SeparableConvolutionConfig, 'filters' | 'kernelSize'>

export const convolutional = {
  conv1d: factory('Conv1D') as Convolution,
  conv2d: factory('Conv2D') as Convolution,
  conv3d: factory('Conv3D') as Convolution,
  conv1dTranspose: factory('Conv1DTranspose') as TransposedConvolution,
  conv2dTranspose: factory('Conv2DTranspose') as TransposedConvolution,
  conv3dTranspose: factory('Conv3DTranspose') as TransposedConvolution,
  depthwiseConv1d: factory('DepthwiseConv1D') as DepthwiseConvolution,
  depthwiseConv2d: factory('DepthwiseConv2D') as DepthwiseConvolution,
  separableConv1d: factory('SeparableConv1D') as SeparableConvolution,
  separableConv2d: factory('SeparableConv2D') as SeparableConvolution,
}
