/**
 * Where bytes come from and go to. Every container reads through a `Source` and every writer writes into a `Sink`,
 * so that a file, a Blob, a URL and memory are the same thing to a format.
 */
export interface Source {
  /** For messages only; never used as a path. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /**
   * Bytes `offset` to `offset + length`; a view where the source is memory.
   * @throws RekindleError `E_TRUNCATED` when the range passes the end.
   */
  read(offset: number, length: number): Promise<Uint8Array>
  close?(): Promise<void>
}

export interface Sink {
  write(chunk: Uint8Array): Promise<void>
}
