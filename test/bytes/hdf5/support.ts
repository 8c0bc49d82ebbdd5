import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync, inflateSync } from 'node:zlib'
import type { H5Attribute, H5WriteAttribute, H5WriteDataset, H5WriteGroup } from '../../../src/bytes/hdf5/index.ts'
import { planHdf5 } from '../../../src/bytes/hdf5/index.ts'
import type { Source } from '../../../src/bytes/source.ts'
import { RekindleError } from '../../../src/errors.ts'
import { DTYPES, type DType, Tensor } from '../../../src/tensor/index.ts'

/** Memory as a source that counts what is asked of it. */
export interface CountingSource extends Source {
  readonly reads: { offset: number; length: number }[]
}

/** @param copies as a file does: every read gives bytes of their own */
export function sourceOf(bytes: Uint8Array, copies = false): CountingSource {
  const reads: { offset: number; length: number }[] = []
  return {
    name: 'test.h5',
    size: bytes.length,
    reads,
    async read(offset, length) {
      if (offset + length > bytes.length) throw new RekindleError('E_TRUNCATED', `${length} bytes at ${offset}`)
      reads.push({ offset, length })
      const view = bytes.subarray(offset, offset + length)
      return copies ? new Uint8Array(view) : view
    },
  }
}

const fixtures = new URL('../../fixtures/hdf5/', import.meta.url)

/** A fixture's bytes; large ones are stored gzipped. */
export function fixture(name: string): Uint8Array {
  const plain = new URL(name, fixtures)
  return new Uint8Array(
    existsSync(plain) ? readFileSync(plain) : gunzipSync(readFileSync(new URL(`${name}.gz`, fixtures))),
  )
}

/** What h5py saw, as `scripts/fixtures/hdf5.py` wrote it down. */
export interface Seen {
  readonly dtype?: string
  readonly shape?: readonly number[]
  readonly data?: string
  readonly strings?: readonly string[]
  readonly null?: true
  readonly other?: string
  readonly refused?: true
}

export interface SeenFile {
  readonly groups: {
    readonly [path: string]: {
      readonly links: { readonly [name: string]: 'hard' | 'soft' | 'external' }
      readonly attributes: { readonly [name: string]: Seen }
    }
  }
  readonly datasets: { readonly [path: string]: Seen & { readonly attributes: { readonly [name: string]: Seen } } }
}

export function seenFile(name: string): SeenFile {
  return JSON.parse(new TextDecoder().decode(fixture(`${name}.json`)))
}

/** A tensor in words that compare fast: its bytes as base64. */
interface Sight {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly base64?: string
  readonly strings?: readonly string[]
}

export function sightOf(tensor: Tensor): Sight {
  const { dtype, shape } = tensor
  if (dtype === 'string') return { dtype, shape, strings: tensor.data as string[] }
  const { buffer, byteOffset, byteLength } = tensor.data as Float32Array
  return { dtype, shape, base64: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64') }
}

export function expectedSight({ dtype = '', shape = [], data = '', strings }: Seen): Sight {
  if (strings) return { dtype, shape, strings }
  return { dtype, shape, base64: inflateSync(Buffer.from(data, 'base64')).toString('base64') }
}

/** An attribute in the same words. */
export function attributeSight(value: H5Attribute): unknown {
  if (value === null) return { null: true }
  if (typeof value === 'string') return { dtype: 'string', shape: [], strings: [value] }
  if (value instanceof Tensor) return sightOf(value)
  if ('opaque' in value) return { other: true }
  return { dtype: 'string', shape: [value.length], strings: value }
}

export function expectedAttribute(seen: Seen): unknown {
  if (seen.null) return { null: true }
  return seen.other === undefined ? expectedSight(seen) : { other: true }
}

/** A tensor whose elements are 0, 1, 2 …, within the dtype's range. */
export function counted<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
  const { array, kind, bits } = DTYPES[dtype]
  const count = shape.reduce((product, dim) => product * dim, 1) * (kind === 'complex' ? 2 : 1)
  const modulus = kind === 'bool' ? 2 : 100
  const values = Array.from({ length: count }, (_, i) => i % modulus)
  const wide = bits === 64 && (kind === 'int' || kind === 'uint')
  const Constructor = array as unknown as { from(values: readonly (number | bigint)[]): Tensor<D>['data'] }
  return new Tensor(dtype, shape, Constructor.from(wide ? values.map(BigInt) : values))
}

export function datasetOf(tensor: Tensor, attributes?: ReadonlyMap<string, H5WriteAttribute>): H5WriteDataset {
  const { dtype, shape } = tensor
  return { kind: 'dataset', dtype, shape, load: async () => tensor, ...(attributes && { attributes }) }
}

export function groupOf(
  children: { readonly [name: string]: H5WriteGroup | H5WriteDataset },
  attributes: { readonly [name: string]: H5WriteAttribute } = {},
): H5WriteGroup {
  return { kind: 'group', children: new Map(Object.entries(children)), attributes: new Map(Object.entries(attributes)) }
}

/** The file that a plan gives, checked to be as long as planned. */
export async function fileOf(root: H5WriteGroup): Promise<Uint8Array> {
  const plan = planHdf5(root)
  const bytes = new Uint8Array(plan.size)
  let position = 0
  for await (const chunk of plan.chunks()) {
    bytes.set(chunk, position)
    position += chunk.length
  }
  if (position !== plan.size) throw new Error(`planned ${plan.size} bytes, wrote ${position}`)
  return bytes
}
