/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a keyed
 * bijection of 128-bit counters, so that every random number has a position and none has a history.
 *
 * The key is the seed. The counter's words are the block, the stream, and a position of two words (the step).
 */
export const PHILOX = {
  rounds: 10,
  multipliers: [0xd2511f53, 0xcd9e8d57],
  /** What each round adds to the key's two words. */
  weyl: [0x9e3779b9, 0xbb67ae85],
} as const

/** Four 32-bit words. */
export type Words = readonly [number, number, number, number]

/** The high word of an unsigned 32 × 32 bit product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const low = Math.imul(aLow, bLow) >>> 0
  const middle = aHigh * bLow + (low >>> 16)
  const carry = aLow * bHigh + (middle % 0x10000)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0
}

/** One block of random words into `out`, four from `at` on. */
export function philoxInto(out: Uint32Array, at: number, counter: Words, key: readonly [number, number]): void {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < PHILOX.rounds; round++) {
    const high0 = multiplyHigh(PHILOX.multipliers[0], c0)
    const low0 = Math.imul(PHILOX.multipliers[0], c0)
    const high1 = multiplyHigh(PHILOX.multipliers[1], c2)
    const low1 = Math.imul(PHILOX.multipliers[1], c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0
    k0 = (k0 + PHILOX.weyl[0]) >>> 0
    k1 = (k1 + PHILOX.weyl[1]) >>> 0
  }
  out[at] = c0
  out[at + 1] = c1
  out[at + 2] = c2
  out[at + 3] = c3
}

/** The two words of a seed: a whole number of either sign, taken modulo 2^64. */
export function seedWords(seed: number | bigint): [number, number] {
  const bits = BigInt.asUintN(64, BigInt(seed))
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)]
}

/**
 * What a position's high word says about the use of a stream drawn on the host. Steps of training never get that far,
 * so no host draw repeats a number of the graph's.
 */
const PURPOSE = { initialize: 0x80000001, shuffle: 0x80000002 } as const

/** An endless sequence of words and numbers from one (seed, stream). */
export interface RandomSource {
  word(): number
  /** In [0, 1), with 53 bits. */
  uniform(): number
  /** Standard normal. */
  normal(): number
}

export function randomSource(seed: number | bigint, stream: number, purpose: keyof typeof PURPOSE): RandomSource {
  const key = seedWords(seed)
  const words = new Uint32Array(4)
  let block = 0
  let next = 4
  const word = (): number => {
    if (next === 4) {
      philoxInto(words, 0, [block >>> 0, stream, Math.floor(block / 2 ** 32), PURPOSE[purpose]], key)
      block++
      next = 0
    }
    return words[next++] as number
  }
  const uniform = (): number => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53
  let spare: number | null = null
  // Box and Muller's transform; each pair of uniforms gives two normals.
  const normal = (): number => {
    if (spare !== null) {
      const kept = spare
      spare = null
      return kept
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
  return { word, uniform, normal }
}

/** The order in which a block's words are laid out: all first words, all third, all second, all fourth. */
const LAYOUT = [0, 2, 1, 3] as const

/**
 * The numbers that the graph's `uniform` draws (`random.ts`), bit for bit: float32 in [0, 1).
 *
 * @param step the position, below 2^53.
 */
export function uniformNumbers(
  seed: number | bigint,
  step: number,
  stream: number,
  count: number,
  bits: 16 | 24 = 24,
): Float32Array<ArrayBuffer> {
  const [stepLow, stepHigh] = seedWords(step)
  const key = seedWords(seed)
  const blocks = Math.ceil(count / (bits === 16 ? 8 : 4))
  const out = new Float32Array(count)
  const words = new Uint32Array(4)
  for (let block = 0; block < blocks; block++) {
    philoxInto(words, 0, [block, stream, stepLow, stepHigh], key)
    LAYOUT.forEach((word, row) => {
      const x = words[word] as number
      const at = row * blocks + block
      if (bits === 24) out[at] = (x >>> 8) / 2 ** 24
      else {
        out[at] = (x >>> 16) / 2 ** 16
        out[at + 4 * blocks] = (x & 0xffff) / 2 ** 16
      }
    })
  }
  return out
}

/** A permutation of 0 … n−1 that (seed, epoch) determine (Fisher and Yates). */
export function shuffle(n: number, seed: number | bigint, epoch: number): Uint32Array {
  const order = new Uint32Array(n).map((_, i) => i)
  const source = randomSource(seed, epoch, 'shuffle')
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((source.word() / 2 ** 32) * (i + 1))
    const kept = order[i] as number
    order[i] = order[j] as number
    order[j] = kept
  }
  return order
}
