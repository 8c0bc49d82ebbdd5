import { checkRange } from '../platform/range.ts'
import type { Source } from './source.ts'

/** Bytes in memory; reads are views. */
export function memorySource(memory: Uint8Array, name = 'memory'): Source {
  // Node's Buffer is a Uint8Array whose `slice` does not copy; what is read must be a plain one.
  const bytes = new Uint8Array(memory.buffer, memory.byteOffset, memory.length)
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      checkRange(name, bytes.length, offset, length)
      return bytes.subarray(offset, offset + length)
    },
  }
}
