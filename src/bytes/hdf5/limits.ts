import { RekindleError } from '../../errors.ts'

/** What one file may cost. Every limit is checked before anything is allocated or followed. */
export interface Hdf5Limits {
  /** Bytes of structure (headers, trees, heaps, texts) that one file may make us parse, apart from its own size. */
  readonly metadataBytes: number
  /** ... and so many more for every byte that the file has: honest structure is parsed once or twice. */
  readonly metadataPerFileByte: number
  /** Bytes that one dataset may grow to by fill values and decompression, apart from the file's size. */
  readonly expandedBytes: number
  /** ... and so many more for every byte that the file has. */
  readonly expandedPerFileByte: number
  /** Bytes of one dataset: what a typed array can hold. */
  readonly datasetBytes: number
  /** Objects opened under different paths ... */
  readonly objects: number
  /** ... and one more for every so many bytes of the file: what goes beyond is the same objects under more names. */
  readonly bytesPerObject: number
  /** Groups inside groups. */
  readonly depth: number
  /** Soft links followed by one look-up. */
  readonly softLinks: number
}

export const HDF5_LIMITS: Hdf5Limits = {
  metadataBytes: 16 * 2 ** 20,
  metadataPerFileByte: 4,
  expandedBytes: 64 * 2 ** 20,
  expandedPerFileByte: 128,
  datasetBytes: 2 ** 32 - 2 ** 16,
  objects: 1000,
  bytesPerObject: 32,
  depth: 256,
  softLinks: 32,
}

/** The least that one visit of a structure costs, so that empty structures are not free. */
const VISIT_COST = 64

/** Counts down what a file may still cost. */
export class Budget {
  readonly #what: string
  readonly #limit: number
  #left: number

  constructor(what: string, limit: number) {
    this.#what = what
    this.#limit = limit
    this.#left = limit
  }

  /** @throws RekindleError `E_LIMIT` when less than `amount` is left. */
  spend(amount: number, where: string): void {
    this.#left -= amount
    if (this.#left >= 0) return
    throw new RekindleError('E_LIMIT', `the file costs too much: ${this.#what}`, {
      where,
      expected: `at most ${this.#limit} bytes`,
      received: `${this.#limit - this.#left}`,
      hint: 'the limits can be raised when the file is trusted',
    })
  }

  /** A visit of a structure of `bytes` bytes. */
  visit(bytes: number, where: string): void {
    this.spend(Math.max(bytes, VISIT_COST), where)
  }
}

export function metadataBudget(limits: Hdf5Limits, fileSize: number): Budget {
  return new Budget('structure parsed', limits.metadataBytes + limits.metadataPerFileByte * fileSize)
}

export function expansionBudget(limits: Hdf5Limits, fileSize: number): Budget {
  return new Budget('dataset expanded', limits.expandedBytes + limits.expandedPerFileByte * fileSize)
}
