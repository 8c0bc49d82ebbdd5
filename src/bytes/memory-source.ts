import { checkRange } from '../platform/range.ts'
import type { Source } from './source.ts'

/** Bytes in memory; reads are views. */
export function memorySource(bytes: Uint8Array, name = 'memory'): Source {
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      checkRange(name, bytes.length, offset, length)
      return bytes.subarray(offset, offset + length)
    },
  }
}
