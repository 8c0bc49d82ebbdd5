/** What a model looks at is far smaller; four bytes each, this many fit into the memory of a decoder. */
export const MAX_PIXELS = 100e6

export type ImageFormatName = 'PNG' | 'JPEG' | 'WebP'

export interface ImageFormat {
  readonly name: ImageFormatName
  readonly width: number
  readonly height: number
}

interface Size {
  readonly width: number
  readonly height: number
}

const FORMATS: readonly { readonly name: ImageFormatName; readonly size: (view: DataView) => Size | null }[] = [
  { name: 'PNG', size: pngSize },
  { name: 'JPEG', size: jpegSize },
  { name: 'WebP', size: webpSize },
]

/** The format and size that the first bytes tell, before anything is decoded; null when it is no known picture. */
export function imageFormat(bytes: Uint8Array): ImageFormat | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const { name, size } of FORMATS) {
    const found = size(view)
    if (found !== null) return { name, ...found }
  }
  return null
}

function pngSize(view: DataView): Size | null {
  if (view.byteLength < 24 || view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a) return null
  return { width: view.getUint32(16), height: view.getUint32(20) }
}

/** Walks the segments to the frame header (SOF0 to SOF15, without the three other markers of that range). */
function jpegSize(view: DataView): Size | null {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null
  for (let at = 2; at + 9 <= view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return null
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      at++
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    at += 2 + view.getUint16(at + 2)
  }
  return null
}

/** A RIFF file whose first chunk says how the picture is stored: lossy, lossless or extended. */
function webpSize(view: DataView): Size | null {
  if (view.byteLength < 30 || view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57454250) return null
  const chunk = view.getUint32(12)
  if (chunk === 0x56503820)
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  if (chunk === 0x5650384c) {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (chunk === 0x56503858) {
    const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    return { width: uint24(24) + 1, height: uint24(27) + 1 }
  }
  return null
}
