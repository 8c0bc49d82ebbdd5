/**
 * What differs between Node and a browser. `node.ts` and `web.ts` export the same names; the package import
 * `#platform` picks one of them.
 */
export interface Platform {
  /**
   * Opens a regular file for ranged reads of any size.
   * @throws RekindleError `E_IO_NOT_FOUND`, `E_IO_READ`; in a browser `E_UNSUPPORTED_PLATFORM`.
   */
  openPath(path: string): Promise<OpenFile>
  /**
   * Writes a file that appears whole or not at all: a temporary file beside the target, flushed to the disk, renamed.
   * When `produce` throws, the temporary file is removed and the old file stays as it was. Symbolic links are followed,
   * the mode of an existing file is kept. What can be known to fail is refused before `produce` is called.
   * @throws RekindleError `E_IO_WRITE`; in a browser `E_UNSUPPORTED_PLATFORM`.
   */
  writeAtomically(path: string, produce: Produce, options?: WriteOptions): Promise<void>
  /** Does everything that `writeAtomically` does before it produces, and leaves nothing behind. */
  checkWritable(path: string, options?: WriteOptions): Promise<void>
  /**
   * Raw deflate data to exactly `expectedLength` bytes. Bytes behind the end of the stream are ignored in Node and are
   * corrupt data for browsers.
   * @throws RekindleError `E_LIMIT` when more comes, `E_TRUNCATED` when less, `E_INVALID_DATA` when corrupt (browsers
   * call a stream that is cut off corrupt, too).
   */
  inflateRaw(bytes: Uint8Array, expectedLength: number): Promise<Uint8Array>
  /** The same with the zlib header and checksum, as HDF5 and PNG use it. */
  inflateZlib(bytes: Uint8Array, expectedLength: number): Promise<Uint8Array>
  /** CRC-32 as in zip and PNG; `seed` is the checksum of the bytes before. */
  crc32(bytes: Uint8Array, seed?: number): number
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number
  /** Processor cores that this process may use; at least 1. */
  coreCount(): number
  /** An unpredictable integer from 0 to 2³² − 1. */
  randomSeed(): number
  /** Lets timers, input and other tasks run. */
  yieldToEventLoop(): Promise<void>
  terminal(stream: 'stdout' | 'stderr'): TerminalFacts
  /** Text for a person, as it is; a browser prints whole lines to its console. */
  writeText(stream: 'stdout' | 'stderr', text: string): void
}

/** The structural twin of `bytes`' `Source`, with an end. */
export interface OpenFile {
  /** The path as it was given. */
  readonly name: string
  readonly size: number
  /** A fresh array, aligned for every typed array. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** Hands the bytes over in order; a chunk may be reused once its promise has resolved. */
export type Produce = (write: (chunk: Uint8Array) => Promise<void>) => Promise<void>

export interface WriteOptions {
  /** When known: a disk with less free space is refused at once. */
  readonly expectedBytes?: number
}

export interface TerminalFacts {
  readonly isTTY: boolean
  /** Width in characters; 80 where there is no terminal. */
  readonly columns: number
  /** True on a terminal with colours, unless `NO_COLOR` is set. */
  readonly color: boolean
}
