import type { H5File } from '../bytes/hdf5/types.ts'
import type { Source } from '../bytes/source.ts'
import type { ZipArchive } from '../bytes/zip/types.ts'
import type { ModelDoc } from './doc.ts'

export type { ZipArchive, ZipEntry } from '../bytes/zip/types.ts'

/** A file under examination. Answers are remembered: ten codecs may ask, the bytes are parsed once. */
export interface Probe {
  /** The last part of the path or URL, for extensions and messages. */
  readonly name: string
  readonly source: Source
  /** Up to the first `n` bytes. */
  head(n: number): Promise<Uint8Array>
  /** The file as HDF5; null when it is something else. */
  hdf5(): Promise<H5File | null>
  /** The file as a zip archive; null when it is something else. */
  zip(): Promise<ZipArchive | null>
}

export interface WriteOptions {
  /**
   * Which era of Keras an `.h5` speaks. `common`: Keras 2's dialect, opened by Keras 3 and tf-keras alike (default);
   * `keras3` and `keras2` are the two families' own.
   */
  readonly era?: 'common' | 'keras2' | 'keras3'
  /** Default true: the optimizer's state goes along. */
  readonly includeOptimizer?: boolean
  /** Weights without the architecture, where the format can be either. */
  readonly weightsOnly?: boolean
  /** Is told what the target could not carry. */
  readonly onWarning?: (warning: { code: string; message: string; where?: string }) => void
}

/** One output file, streamed: a codec plans all sizes first and then produces the bytes in file order. */
export interface OutputFile {
  /** Relative to the output; empty for the output itself. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly chunks: AsyncIterable<Uint8Array>
}

/** One format: recognise, read, write. */
export interface Codec {
  readonly id: string
  /** With the dot; the first is the one that is written. */
  readonly extensions: readonly string[]
  detect(probe: Probe): Promise<boolean>
  read?(probe: Probe): Promise<ModelDoc>
  write?(doc: ModelDoc, options: WriteOptions): Promise<readonly OutputFile[]>
}
