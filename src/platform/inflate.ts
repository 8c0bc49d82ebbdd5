import { RekindleError } from '../errors.ts'

/** The ways in which inflating fails, worded once for both platforms. */
export const inflateErrors = {
  tooLong: (expected: number): RekindleError =>
    new RekindleError('E_LIMIT', 'compressed data gives more than was declared', { expected: `${expected} bytes` }),
  tooShort: (expected: number, received?: number): RekindleError =>
    new RekindleError('E_TRUNCATED', 'compressed data ends too early', {
      expected: `${expected} bytes`,
      ...(received === undefined ? {} : { received: `${received} bytes` }),
    }),
  corrupt: (cause: unknown): RekindleError =>
    new RekindleError('E_INVALID_DATA', 'the compressed data is corrupt', { cause }),
} as const

/** A deflate stream spends at least 2 bits on 258 bytes. */
const LARGEST_RATIO = 1032

/** Refuses a declared length that the compressed bytes cannot reach, before it is allocated. */
export function checkExpansion(compressedLength: number, expectedLength: number): void {
  if (!(expectedLength <= compressedLength * LARGEST_RATIO)) throw inflateErrors.tooShort(expectedLength)
}
