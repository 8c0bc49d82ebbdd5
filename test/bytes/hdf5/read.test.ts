import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type H5Dataset, type H5Group, isHdf5, openHdf5 } from '../../../src/bytes/hdf5/index.ts'
import {
  attributeSight,
  expectedAttribute,
  expectedSight,
  fixture,
  type Seen,
  seenFile,
  sightOf,
  sourceOf,
} from './support.ts'

const names = [
  ...new Set(readdirSync(new URL('../../fixtures/hdf5/', import.meta.url)).map((file) => file.replace(/\..*$/, ''))),
]

async function open(name: string, copies = false) {
  const source = sourceOf(fixture(`${name}.h5`), copies)
  return { source, root: (await openHdf5(source)).root }
}

async function attributesOf(object: H5Group | H5Dataset): Promise<{ [name: string]: unknown }> {
  return Object.fromEntries([...(await object.attributes())].map(([name, value]) => [name, attributeSight(value)]))
}

function expectedAttributes(seen: { readonly [name: string]: Seen }): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(seen).map(([name, value]) => [name, expectedAttribute(value)]))
}

describe.each(names)('%s, as h5py reads it', (name) => {
  const seen = seenFile(name)

  it('has the same groups and attributes', async () => {
    const { root } = await open(name)
    for (const [path, { links, attributes }] of Object.entries(seen.groups)) {
      const group = (await root.group(path)) as H5Group
      const kinds = [...(await group.links())].map(([member, { kind }]) => [member, kind])
      expect(Object.fromEntries(kinds), path).toEqual(links)
      expect(await attributesOf(group), path).toEqual(expectedAttributes(attributes))
    }
  })

  it('has the same data', async () => {
    // a source that copies, as a file does, and one that gives views
    for (const copies of [true, false]) {
      const { root } = await open(name, copies)
      for (const [path, expected] of Object.entries(seen.datasets)) {
        const dataset = (await root.dataset(path)) as H5Dataset
        expect(dataset.path).toBe(path)
        expect(await attributesOf(dataset), path).toEqual(expectedAttributes(expected.attributes))
        if (expected.refused) {
          const code = dataset.storage === 'chunked' ? 'E_UNSUPPORTED_HDF5' : 'E_UNSAFE_LINK'
          await expect(dataset.read(), path).rejects.toMatchObject({ code, where: path })
        } else if (expected.null) {
          expect((await dataset.read()).shape).toEqual([0])
        } else if (expected.other === undefined) {
          const tensor = await dataset.read()
          expect(sightOf(tensor), path).toEqual(expectedSight(expected))
          expect(await dataset.dtype()).toBe(tensor.dtype)
        }
      }
    }
  })
})

describe('the tree', () => {
  it('is listed in the order of making where the file tracks it', async () => {
    for (const name of ['order-earliest', 'order-latest']) {
      const { root } = await open(name)
      const order = ['zebra', 'apple', 'mango']
      expect([...((await (await root.group('tracked'))?.links()) ?? [])].map(([key]) => key)).toEqual(order)
      expect([...((await (await root.group('tracked'))?.attributes()) ?? [])].map(([key]) => key)).toEqual(order)
      const many = await root.group('many')
      const numbers = Array.from({ length: 30 }, (_, i) => String(29 - i).padStart(2, '0'))
      expect([...((await many?.links()) ?? [])].map(([key]) => key)).toEqual(numbers.map((number) => `g${number}`))
      expect([...((await many?.attributes()) ?? [])].map(([key]) => key)).toEqual(numbers.map((number) => `a${number}`))
    }
  })

  it('follows soft links inside the file, bounded, and never to another file', async () => {
    for (const name of ['links-earliest', 'links-v108', 'links-latest', 'dense-links']) {
      const { root } = await open(name)
      const data = await (await root.dataset('a/b/c/data'))?.read()
      for (const path of ['soft/c/data', 'a/relative', 'hard', '/a//b/./c/data', 'many/member 7']) {
        expect(await (await root.dataset(path))?.read(), path).toEqual(data)
      }
      const inner = await root.group('a/b')
      expect((await inner?.dataset('/hard'))?.path).toBe('/hard')
      expect(await root.get('dangling')).toBeUndefined()
      expect(await root.get('hard/below/a/dataset')).toBeUndefined()
      expect(await root.get('missing')).toBeUndefined()
      await expect(root.get('loop-1')).rejects.toMatchObject({ code: 'E_INVALID_HDF5' })
      await expect(root.get('external/x')).rejects.toMatchObject({ code: 'E_UNSAFE_LINK', where: '/external' })
      const links = await root.links()
      expect(links.get('external')).toEqual({ kind: 'external', target: 'other.h5:/secret' })
      expect(links.get('soft')).toEqual({ kind: 'soft', target: '/a/b' })
      expect(links.get('hard')).toEqual({ kind: 'hard' })
    }
  })

  it('names data that is in other files', async () => {
    const { root } = await open('other-files')
    expect((await root.dataset('external'))?.storage).toBe('external')
    expect((await root.dataset('virtual'))?.storage).toBe('virtual')
  })

  it('gives a committed datatype no place', async () => {
    const { root } = await open('types-latest')
    expect((await root.links()).has('committed')).toBe(true)
    expect(await root.get('committed')).toBeUndefined()
  })
})

describe('types', () => {
  it('are told before the data is read', async () => {
    const { root } = await open('types-earliest')
    const type = async (path: string) => (await root.dataset(path))?.type
    expect(await type('little/f2')).toEqual({ kind: 'number', dtype: 'float16' })
    expect(await type('big/i8')).toEqual({ kind: 'number', dtype: 'int64' })
    expect(await type('little/bool')).toEqual({ kind: 'number', dtype: 'bool' })
    expect(await type('little/c16')).toEqual({ kind: 'number', dtype: 'complex128' })
    expect(await type('fixed')).toEqual({ kind: 'string', variable: false, size: 5 })
    expect(await type('variable')).toEqual({ kind: 'string', variable: true, size: 16 })
    expect(await type('opaque')).toEqual({ kind: 'opaque', size: 3, tag: '' })
    expect(await type('compound')).toEqual({ kind: 'other', size: 12, description: 'compound of 2 members' })
  })

  it('gives opaque bytes the dtype of their attribute, else one dimension more', async () => {
    const { root } = await open('types-earliest')
    const bfloat16 = await (await root.dataset('bfloat16'))?.read()
    expect(bfloat16).toMatchObject({ dtype: 'bfloat16', shape: [2, 3], data: Uint16Array.of(0, 1, 2, 3, 4, 5) })
    const opaque = await (await root.dataset('opaque'))?.read()
    expect(opaque).toMatchObject({ dtype: 'uint8', shape: [4, 3], data: Uint8Array.from({ length: 12 }, (_, i) => i) })
    const compound = await root.dataset('compound')
    expect(await compound?.dtype()).toBeUndefined()
    await expect(compound?.read()).rejects.toMatchObject({ code: 'E_UNSUPPORTED_HDF5', where: '/compound' })
  })
})

describe('reading', () => {
  it('is lazy: nothing of a group before it is asked for, no data before read', async () => {
    const bytes = fixture('layouts-earliest.h5')
    const source = sourceOf(bytes, true)
    const { root } = await openHdf5(source)
    const total = () => source.reads.reduce((sum, { length }) => sum + length, 0)
    const opened = total()
    expect(opened).toBeLessThan(2 * 65536)
    await root.links()
    const dataset = await root.dataset('one-dimension')
    const listed = source.reads.length
    await dataset?.read()
    const data = source.reads.slice(listed).reduce((sum, { length }) => sum + length, 0)
    expect(data).toBeGreaterThan(0)
    expect(data).toBeLessThan(65536)
  })

  it('gives views where the source is memory', async () => {
    const bytes = fixture('types-earliest.h5')
    const { root } = await openHdf5(sourceOf(bytes))
    const dataset = await root.dataset('little/u1')
    const data = (await dataset?.read())?.data as Uint8Array
    expect(data.buffer).toBe(bytes.buffer)
    expect(dataset?.contiguous).toEqual({ offset: data.byteOffset, length: 12 })
    expect((await root.dataset('big/i4'))?.contiguous).toBeUndefined()
  })

  it('knows an HDF5 file by its signature, also behind a user block', async () => {
    for (const name of ['types-latest', 'user-block', 'user-block-latest']) {
      expect(isHdf5(fixture(`${name}.h5`))).toBe(true)
      expect(await isHdf5(sourceOf(fixture(`${name}.h5`)))).toBe(true)
    }
    const other = new Uint8Array(5000).fill(0x89)
    expect(isHdf5(other)).toBe(false)
    expect(await isHdf5(sourceOf(other))).toBe(false)
    expect(isHdf5(new Uint8Array(0))).toBe(false)
    await expect(openHdf5(sourceOf(other))).rejects.toMatchObject({ code: 'E_INVALID_HDF5', where: 'test.h5' })
  })
})
