import { uniformNumbers } from '../../src/nn/philox.ts'

/** Reproducible numbers in [0, 1). */
export function philoxNumbers(seed: number, count: number): Float32Array {
  return uniformNumbers(seed, 0, 0, count)
}
