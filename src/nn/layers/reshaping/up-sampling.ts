import { RekindleError } from '../../../errors.ts'
import type { Builder, Value } from '../../../graph/index.ts'
import { Tensor } from '../../../tensor/index.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer, requireInteger } from '../define.ts'
import { featureShape } from '../shapes.ts'
import {
  channelsBack,
  channelsFirst,
  type DataFormat,
  dataFormat,
  oneOf,
  type PerAxis,
  perAxis,
  requireRank,
} from '../windows.ts'
import { firstSpatial } from './margins.ts'

export interface UpSampling1DConfig {
  readonly size: number
}

export interface UpSamplingConfig {
  readonly size: PerAxis
  readonly data_format: DataFormat | null
}

export interface UpSampling2DConfig extends UpSamplingConfig {
  readonly interpolation: string
}

const INTERPOLATIONS = ['nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5'] as const

/** Repeats every step `size` times: [N, time, features] to [N, time · size, features]. */
const upSampling1D = defineLayer<UpSampling1DConfig>({
  className: 'UpSampling1D',
  defaults: { size: 2 },
  validate: ({ size }, where) => requireInteger(size, 1, 'size', where),
  call({ b, config }, [x]) {
    requireRank(x as Value, 1, 'UpSampling1D')
    return { outputs: [repeatAlong(b, x as Value, 1, config.size, 'UpSampling1D')] }
  },
})

/** Enlarges images by whole factors. Between pixels: the nearest, or (`bilinear`) a mixture of the two neighbours. */
const upSampling2D = defineLayer<UpSampling2DConfig>({
  className: 'UpSampling2D',
  defaults: { size: 2, data_format: 'channels_last', interpolation: 'nearest' },
  normalize: (config, where) => ({
    ...config,
    size: perAxis(config.size, 2, 'size', where),
    data_format: dataFormat(config.data_format, where),
    interpolation: oneOf(config.interpolation, INTERPOLATIONS, 'interpolation', where),
  }),
  call({ b, config, name }, [input]) {
    const x = input as Value
    requireRank(x, 2, 'UpSampling2D')
    const format = config.data_format ?? 'channels_last'
    const sizes = perAxis(config.size, 2, 'size', name)
    if (config.interpolation === 'nearest') return { outputs: [repeatAll(b, x, sizes, format, 'UpSampling2D')] }
    if (config.interpolation !== 'bilinear') {
      throw new RekindleError('E_UNSUPPORTED_OPTION', `interpolation ${config.interpolation} cannot be run`, {
        where: name,
        expected: 'nearest or bilinear',
      })
    }
    const image = channelsFirst(b, x, format)
    const [, height, width] = featureShape(image, 'UpSampling2D') as [number, number, number]
    const [tall, wide] = sizes as [number, number]
    const rows = b.op('MatMul', [bilinear(b, height, tall), image])
    const columns = b.op('Transpose', [bilinear(b, width, wide)], { perm: [1, 0] })
    return { outputs: [channelsBack(b, b.op('MatMul', [rows, columns]), format)] }
  },
})

/** Repeats every voxel along three axes. */
const upSampling3D = defineLayer<UpSamplingConfig>({
  className: 'UpSampling3D',
  defaults: { size: 2, data_format: 'channels_last' },
  normalize: (config, where) => ({
    ...config,
    size: perAxis(config.size, 3, 'size', where),
    data_format: dataFormat(config.data_format, where),
  }),
  call({ b, config, name }, [x]) {
    requireRank(x as Value, 3, 'UpSampling3D')
    const sizes = perAxis(config.size, 3, 'size', name)
    return { outputs: [repeatAll(b, x as Value, sizes, config.data_format ?? 'channels_last', 'UpSampling3D')] }
  },
})

function repeatAll(b: Builder, x: Value, sizes: readonly number[], format: DataFormat, layer: string): Value {
  return sizes.reduce((y, size, i) => repeatAlong(b, y, firstSpatial(format) + i, size, layer), x)
}

/** Every element `times` times along an axis after the batch. */
function repeatAlong(b: Builder, x: Value, axis: number, times: number, layer: string): Value {
  if (times === 1) return x
  const target = [0, ...featureShape(x, layer)].map((size, i) => (i === axis ? size * times : size))
  const ones = [...x.shape, 1].map((_, i) => (i === axis + 1 ? times : 1))
  const repeated = b.op('Expand', [b.op('Unsqueeze', [x, b.ints([axis + 1])]), b.ints(ones)])
  return b.op('Reshape', [repeated, b.ints(target)])
}

/** The weights [size · factor, size] of a line's pixels, centres on centres (`tf.image.resize`); edges repeat. */
function bilinear(b: Builder, size: number, factor: number): Value {
  const weights = new Float32Array(size * factor * size)
  for (let row = 0; row < size * factor; row++) {
    const place = (row + 0.5) / factor - 0.5
    const low = Math.floor(place)
    for (const [pixel, share] of [
      [low, 1 - (place - low)],
      [low + 1, place - low],
    ] as const) {
      const index = row * size + Math.min(size - 1, Math.max(0, pixel))
      weights[index] = (weights[index] as number) + share
    }
  }
  return b.constant(new Tensor('float32', [size * factor, size], weights))
}

export const UP_SAMPLING: readonly LayerDef[] = [upSampling1D, upSampling2D, upSampling3D]
