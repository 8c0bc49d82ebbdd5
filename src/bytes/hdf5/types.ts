import type { DType, Tensor } from '../../tensor/index.ts'
import type { Source } from '../source.ts'

/** What an HDF5 datatype means to us. `opaque` keeps raw bytes (Keras stores bfloat16 so). */
export type H5Type =
  | { readonly kind: 'number'; readonly dtype: DType }
  | { readonly kind: 'string'; readonly variable: boolean; readonly size: number }
  | { readonly kind: 'opaque'; readonly size: number; readonly tag: string }
  | { readonly kind: 'other'; readonly description: string; readonly size: number }

/** Strings come as JavaScript strings, numbers as tensors, a null dataspace as null. */
export type H5Attribute =
  | string
  | readonly string[]
  | Tensor
  | { readonly opaque: Uint8Array; readonly shape: readonly number[] }
  | null

export interface H5Link {
  readonly kind: 'hard' | 'soft' | 'external'
  /** Soft: a path. External: `file:path`, never followed. */
  readonly target?: string
}

export interface H5Group {
  readonly kind: 'group'
  /** Absolute, `/` for the root. */
  readonly path: string
  attributes(): Promise<ReadonlyMap<string, H5Attribute>>
  /** Names of the members in the file's own order, with what they link to. */
  links(): Promise<ReadonlyMap<string, H5Link>>
  /**
   * A member by relative path (`a/b`); undefined when there is none, or only a committed datatype.
   * @throws RekindleError `E_UNSAFE_LINK` where the way leads through an external link.
   */
  get(path: string): Promise<H5Group | H5Dataset | undefined>
  group(path: string): Promise<H5Group | undefined>
  dataset(path: string): Promise<H5Dataset | undefined>
}

export type H5Storage = 'compact' | 'contiguous' | 'chunked' | 'external' | 'virtual'

export interface H5Dataset {
  readonly kind: 'dataset'
  readonly path: string
  readonly type: H5Type
  /** A dataset with no dataspace at all (h5py's `Empty`) has the shape `[0]`. */
  readonly shape: readonly number[]
  /** What `read` gives, without reading: undefined for types that it refuses. */
  dtype(): Promise<DType | undefined>
  attributes(): Promise<ReadonlyMap<string, H5Attribute>>
  /**
   * Everything as a tensor: numbers in their dtype, strings as `string`, opaque bytes with an attribute `dtype` that
   * names a type of their size (Keras's bfloat16) as that, other opaque bytes as uint8 with one more dimension.
   */
  read(): Promise<Tensor>
  /** Set when the data sits in one piece, as a tensor's own bytes: where in the source they are. */
  readonly contiguous: { readonly offset: number; readonly length: number } | undefined
  /** How the bytes are kept. `external` and `virtual` ones are in other files: `read` refuses them. */
  readonly storage: H5Storage
}

export interface H5File {
  readonly source: Source
  readonly root: H5Group
}

/** What the writer takes: a tree of groups and datasets whose bytes are produced when their turn comes. */
export interface H5WriteGroup {
  readonly kind: 'group'
  readonly attributes?: ReadonlyMap<string, H5WriteAttribute>
  readonly children: ReadonlyMap<string, H5WriteGroup | H5WriteDataset>
}

export type H5WriteAttribute = string | readonly string[] | Tensor

export interface H5WriteDataset {
  readonly kind: 'dataset'
  /** bfloat16 is written as Keras does: opaque of 2 bytes with the attribute `dtype`. */
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly attributes?: ReadonlyMap<string, H5WriteAttribute>
  load(): Promise<Tensor>
}
