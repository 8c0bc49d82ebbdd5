import type { RekindleError } from '../../errors.ts'
import type { Source } from '../source.ts'

export interface ZipEntry {
  /** As the archive spells it: a key, never a path to write to. */
  readonly name: string
  /** Bytes after inflating. */
  readonly size: number
  /** Why `open` refuses this entry (a path trick, encryption, an unknown method); null for the usual ones. */
  readonly refusal: RekindleError | null
  /**
   * The entry's bytes as a source: ranged and zero-copy when stored, inflated (within limits) when deflated.
   * The checksum is verified when the entry is read whole; `verify` does it for readers that hop.
   */
  open(): Promise<Source>
  /**
   * Reads the entry once, in pieces, and compares its checksum.
   * @throws RekindleError `E_INVALID_ZIP` when it differs.
   */
  verify(signal?: AbortSignal): Promise<void>
}

export interface ZipArchive {
  /** By name, in the order of the central directory. */
  readonly entries: ReadonlyMap<string, ZipEntry>
}

/** What the writer takes. `bytes` are ready; `chunks` are produced when their turn comes and must add up to `size`. */
export type ZipInput =
  | { readonly name: string; readonly bytes: Uint8Array }
  | {
      readonly name: string
      readonly size: number
      readonly chunks: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>
    }

/** A file whose size is known before its first byte is made. */
export interface PlannedFile {
  readonly size: number
  chunks(): AsyncIterable<Uint8Array>
}
