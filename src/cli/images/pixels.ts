import { RekindleError } from '../../errors.ts'
import type { Picture } from './decode.ts'

/** How a model takes pictures. Null sizes take the picture's own. */
export interface PixelLayout {
  readonly height: number | null
  readonly width: number | null
  /** 1 grey, 3 RGB, 4 RGB and alpha. */
  readonly channels: 1 | 3 | 4
  readonly channelsFirst: boolean
  /** Shape of one row, with `height` and `width` filled in. */
  readonly shape: (height: number, width: number) => readonly number[]
}

/**
 * Reads from an input's shape how it takes pictures: `[N, h, w, c]`, `[N, c, h, w]`, `[N, h, w]` (grey), or `[N, n²]`
 * (grey, flattened).
 * @throws RekindleError `E_INVALID_SHAPE` when it takes none.
 */
export function pixelLayout(shape: readonly (number | null)[], where: string): PixelLayout {
  const row = shape.slice(1)
  const isChannels = (dim: number | null | undefined): dim is 1 | 3 | 4 => dim === 1 || dim === 3 || dim === 4
  if (row.length === 3) {
    const [a, b, c] = row as [number | null, number | null, number | null]
    if (isChannels(c)) return { height: a, width: b, channels: c, channelsFirst: false, shape: (h, w) => [h, w, c] }
    if (isChannels(a)) return { height: b, width: c, channels: a, channelsFirst: true, shape: (h, w) => [a, h, w] }
  }
  if (row.length === 2) {
    const [height, width] = row as [number | null, number | null]
    return { height, width, channels: 1, channelsFirst: false, shape: (h, w) => [h, w] }
  }
  const side = Math.sqrt(row[0] ?? 0)
  if (row.length === 1 && side > 1 && Number.isInteger(side)) {
    return { height: side, width: side, channels: 1, channelsFirst: false, shape: (h, w) => [h * w] }
  }
  throw new RekindleError('E_INVALID_SHAPE', 'the input does not take pictures', {
    where,
    expected: '[N, height, width, channels] or another shape of pictures',
    received: `[${shape.map((dim) => dim ?? 'N').join(', ')}]`,
  })
}

/** The picture as numbers from 0 to 255 in the layout's order, resized (bilinear). */
export function picturePixels(picture: Picture, layout: PixelLayout): { shape: readonly number[]; data: Float32Array } {
  const { channels, channelsFirst } = layout
  const height = layout.height ?? picture.height
  const width = layout.width ?? picture.width
  const own = toChannels(picture, channels)
  const sized = resizeBilinear(own, picture.height, picture.width, channels, height, width)
  const shape = layout.shape(height, width)
  if (!channelsFirst) return { shape, data: sized }
  const planes = new Float32Array(sized.length)
  const area = height * width
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < channels; c++) planes[c * area + i] = sized[i * channels + c] as number
  }
  return { shape, data: planes }
}

function toChannels({ data }: Picture, channels: 1 | 3 | 4): Float32Array {
  const count = data.length / 4
  const out = new Float32Array(count * channels)
  for (let i = 0; i < count; i++) {
    const [red, green, blue] = [data[i * 4], data[i * 4 + 1], data[i * 4 + 2]] as [number, number, number]
    if (channels === 1) out[i] = luma(red, green, blue)
    else for (let c = 0; c < channels; c++) out[i * channels + c] = data[i * 4 + c] as number
  }
  return out
}

/** Grey as Pillow's `convert('L')` makes it: the luma of ITU-R 601-2 in 16-bit fixed point. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
}

/** Bilinear with half-pixel centres and no smoothing when it shrinks: TensorFlow's and Keras's `image.resize`. */
export function resizeBilinear(
  pixels: Float32Array,
  height: number,
  width: number,
  channels: number,
  newHeight: number,
  newWidth: number,
): Float32Array {
  if (height === newHeight && width === newWidth) return pixels
  const rows = interpolation(height, newHeight)
  const columns = interpolation(width, newWidth)
  const out = new Float32Array(newHeight * newWidth * channels)
  const at = (y: number, x: number, c: number) => pixels[(y * width + x) * channels + c] as number
  let offset = 0
  for (const { low: top, high: bottom, share: down } of rows) {
    for (const { low: left, high: right, share: across } of columns) {
      for (let c = 0; c < channels; c++) {
        const upper = at(top, left, c) + (at(top, right, c) - at(top, left, c)) * across
        const lower = at(bottom, left, c) + (at(bottom, right, c) - at(bottom, left, c)) * across
        out[offset++] = upper + (lower - upper) * down
      }
    }
  }
  return out
}

/** For each new pixel, the two old ones between which its centre lies, and how far it is to the second. */
function interpolation(size: number, newSize: number): { low: number; high: number; share: number }[] {
  return Array.from({ length: newSize }, (_, i) => {
    const centre = (i + 0.5) * (size / newSize) - 0.5
    const low = Math.floor(centre)
    return { low: Math.max(low, 0), high: Math.min(Math.ceil(centre), size - 1), share: centre - low }
  })
}
