import { RekindleError } from '../../errors.ts'
import type { Source } from '../source.ts'
import { metadataChecksum } from './checksum.ts'
import { type AddressFormat, Cursor } from './cursor.ts'

const SIGNATURE = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)
const FIRST_USER_BLOCK = 512
/** The longest superblock: version 1 with 8-byte addresses. */
const SUPERBLOCK_BYTES = 100
const ADDRESS_WIDTHS: readonly number[] = [2, 4, 8]

export interface Superblock {
  readonly version: number
  readonly format: AddressFormat
  readonly rootAddress: number
  /** Object header with settings of the whole file (shared messages), from version 2 on. */
  readonly extensionAddress: number | undefined
}

/** Whether bytes, or a source, hold an HDF5 file: the signature stands at 0, 512, 1024, 2048 … */
export function isHdf5(head: Uint8Array): boolean
export function isHdf5(source: Source): Promise<boolean>
export function isHdf5(input: Uint8Array | Source): boolean | Promise<boolean> {
  if (!(input instanceof Uint8Array)) return findSignature(input).then((offset) => offset !== undefined)
  for (const offset of signatureOffsets(input.length)) {
    if (hasSignature(input.subarray(offset, offset + SIGNATURE.length))) return true
  }
  return false
}

function* signatureOffsets(size: number): Generator<number> {
  for (let offset = 0; offset + SIGNATURE.length <= size; offset = offset ? offset * 2 : FIRST_USER_BLOCK) yield offset
}

function hasSignature(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte)
}

async function findSignature(source: Source): Promise<number | undefined> {
  for (const offset of signatureOffsets(source.size)) {
    if (hasSignature(await source.read(offset, SIGNATURE.length))) return offset
  }
  return undefined
}

/** @throws RekindleError when the source is no HDF5 file, a newer one, or shorter than it says. */
export async function readSuperblock(source: Source): Promise<Superblock> {
  const where = source.name
  const base = await findSignature(source)
  if (base === undefined) {
    throw new RekindleError('E_INVALID_HDF5', 'this is not an HDF5 file', { where, expected: 'its signature' })
  }
  const bytes = await source.read(base, Math.min(SUPERBLOCK_BYTES, source.size - base))
  try {
    return parseSuperblock(bytes, base, source)
  } catch (error) {
    if (bytes.length === SUPERBLOCK_BYTES || !(error instanceof RekindleError)) throw error
    throw new RekindleError('E_TRUNCATED', 'the file ends inside its first block', { where, cause: error })
  }
}

function parseSuperblock(bytes: Uint8Array, base: number, source: Source): Superblock {
  const where = source.name
  const fixed = new Cursor(bytes, { base, offsetSize: 8, lengthSize: 8 }, where).skip(SIGNATURE.length)
  const version = fixed.u8()
  if (version > 3) throw fixed.unsupported(`superblock version ${version}`)
  if (version < 2) fixed.skip(4)
  const format: AddressFormat = { base, offsetSize: fixed.u8(), lengthSize: fixed.u8() }
  for (const width of [format.offsetSize, format.lengthSize]) {
    if (!ADDRESS_WIDTHS.includes(width)) throw fixed.unsupported(`an address of ${width} bytes`)
  }
  const cursor = new Cursor(bytes, format, where).skip(fixed.position)
  // one byte of padding or flags; then, in the old versions, node sizes that a reader does not need
  cursor.skip(1)
  if (version < 2) cursor.skip(version === 1 ? 12 : 8)
  const statedBase = cursor.requiredAddress() - base
  const extension = cursor.address()
  const end = cursor.requiredAddress() - statedBase
  // the driver's block, and the place of the root's own name
  if (version < 2) cursor.skip(format.offsetSize + format.lengthSize)
  const rootAddress = cursor.requiredAddress()
  if (version >= 2) {
    const expected = metadataChecksum(bytes.subarray(0, cursor.position))
    if (cursor.u32() !== expected) throw cursor.invalid('the checksum of the superblock is wrong')
  }
  if (end > source.size) {
    throw new RekindleError('E_TRUNCATED', 'the file is shorter than it says', {
      where,
      expected: `${end} bytes`,
      received: `${source.size}`,
    })
  }
  return { version, format, rootAddress, extensionAddress: version < 2 ? undefined : extension }
}
