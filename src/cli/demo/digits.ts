import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { Tensor } from '../../index.ts'

export const SIDE = 28
const PIXELS = SIDE * SIDE
const TRAINING = 9000
const TEST = 1000

export interface Digits {
  /** float32 [N, 784], 0 to 1. */
  readonly x: Tensor<'float32'>
  /** uint8 [N], 0 to 9. */
  readonly y: Tensor<'uint8'>
}

/** The MNIST digits that come with the package; `scripts/make-digits.ts` describes the file. */
export function loadDigits(): { readonly train: Digits; readonly test: Digits } {
  const total = TRAINING + TEST
  // By the package's own name: where this module stands differs between the sources and the build.
  const root = dirname(createRequire(import.meta.url).resolve('rekindle/package.json'))
  const packed = readFileSync(join(root, 'assets', 'digits.bin'))
  const bytes = inflateSync(packed, { maxOutputLength: total * (1 + PIXELS) })
  const labels = new Tensor('uint8', [total], new Uint8Array(bytes.subarray(0, total)))
  const pixels = Float32Array.from(bytes.subarray(total), (value) => value / 255)
  const images = new Tensor('float32', [total, PIXELS], pixels)
  return {
    train: { x: images.rows(0, TRAINING), y: labels.rows(0, TRAINING) },
    test: { x: images.rows(TRAINING, total), y: labels.rows(TRAINING, total) },
  }
}
