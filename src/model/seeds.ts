import { randomSeed } from '#platform'
import type { InitializerSeed } from '../nn/initializers/index.ts'
import { checkSeed } from './options.ts'

let base: number | null = null
let drawn = 0

/**
 * Makes everything that is random and has no seed of its own repeat: initial weights, shuffling, dropout.
 * The counterpart of `keras.utils.set_random_seed`.
 *
 * @param seed A whole number from 0 to 2³² - 1.
 * @throws RekindleError `E_INVALID_ARGUMENT` for anything else.
 */
export function setRandomSeed(seed: number): void {
  checkSeed(seed, 2 ** 32 - 1)
  base = seed
  drawn = 0
}

/** The seed of a training run: from the sequence that `setRandomSeed` began, else from the system. */
export function nextSeed(): number {
  if (base === null) return randomSeed()
  // Weyl sequence: consecutive draws are far apart, and seed 0 is as good as any.
  return (base + Math.imul(++drawn, 0x9e3779b9)) >>> 0
}

/** Where the next weight takes its first values from: one seed, and a stream of its own for each weight. */
export function nextWeightSeed(): InitializerSeed {
  base ??= randomSeed()
  return { seed: base, stream: drawn++ }
}
