import { RekindleError } from '../errors.ts'

/** The largest array that every engine can allocate (Node 20: 4 GiB). */
const LARGEST_ARRAY = 2 ** 32

/**
 * Holds `length` bytes at `offset` to a source of `size` bytes. Both may come from a file.
 * @throws RekindleError `E_TRUNCATED` when the range passes the end or is not a range of whole bytes.
 */
export function checkBounds(name: string, size: number, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
  if (whole && length <= size - offset) return
  throw new RekindleError('E_TRUNCATED', 'the data ends too early', {
    where: name,
    expected: `${length} bytes at offset ${offset}`,
    received: `a file of ${size} bytes`,
  })
}

/**
 * The same for a range that is to be read in one piece.
 * @throws RekindleError also `E_LIMIT` when no array can hold it.
 */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  checkBounds(name, size, offset, length)
  if (length <= LARGEST_ARRAY) return
  throw new RekindleError('E_LIMIT', 'too much to read in one piece', {
    where: name,
    expected: `at most ${LARGEST_ARRAY} bytes`,
    received: `${length} bytes`,
  })
}
