import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type H5Group, type H5WriteGroup, openHdf5 } from '../../../src/bytes/hdf5/index.ts'
import { counted, datasetOf, fileOf, fixture, groupOf, sourceOf } from '../../bytes/hdf5/support.ts'
import { askForAll } from './walk.ts'

const MEMORY_KILOBYTES = 200 * 1024

let before = 0
beforeAll(() => {
  before = process.resourceUsage().maxRSS
})
afterAll(() => {
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(MEMORY_KILOBYTES)
})

/** Little-endian numbers of 4 or 8 bytes, one after another. */
function u32(...values: number[]): number[] {
  return values.flatMap((value) => [...new Uint8Array(Uint32Array.of(value).buffer)])
}

function u64(...values: number[]): number[] {
  return values.flatMap((value) => [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)])
}

const UNDEFINED = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]

/** Places of a pattern; there have to be some. */
function placesOf(bytes: Uint8Array, pattern: readonly number[] | string): number[] {
  const wanted = typeof pattern === 'string' ? Buffer.from(pattern) : Buffer.from(pattern)
  const places: number[] = []
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = all.indexOf(wanted); at >= 0; at = all.indexOf(wanted, at + 1)) places.push(at)
  expect(places.length).toBeGreaterThan(0)
  return places
}

/** A copy in which every `from` is `to`. */
function replaced(bytes: Uint8Array, from: readonly number[], to: readonly number[]): Uint8Array {
  const copy = new Uint8Array(bytes)
  for (const place of placesOf(bytes, from)) copy.set(to, place)
  return copy
}

async function expectRefused(bytes: Uint8Array, ...codes: string[]): Promise<void> {
  const { refusals, milliseconds } = await askForAll(sourceOf(bytes))
  expect(refusals.map(({ code }) => code)).toEqual(expect.arrayContaining(codes))
  expect(milliseconds).toBeLessThan(1000)
}

describe('huge shapes', () => {
  const small = () => fileOf(groupOf({ x: datasetOf(counted('float32', [3, 5])) }))
  const shape = [1, 2, 0, 0, 0, 0, 0, 0, ...u64(3, 5)]
  const reshaped = (bytes: Uint8Array, ...dims: number[]) =>
    replaced(bytes, shape, [...shape.slice(0, 8), ...u64(...dims)])
  /** The layout's address: class 1 of version 3, then the address and the size of 60 bytes. */
  const unallocated = (bytes: Uint8Array) => {
    const copy = new Uint8Array(bytes)
    const place = (placesOf(bytes, u64(60))[0] as number) - 8
    copy.set(UNDEFINED, place)
    return copy
  }

  it('of data that the file does not have', async () => {
    await expectRefused(reshaped(await small(), 2 ** 20, 5), 'E_TRUNCATED')
    await expectRefused(reshaped(await small(), 2 ** 40, 5), 'E_LIMIT')
    await expectRefused(reshaped(await small(), 2 ** 40, 2 ** 40), 'E_INVALID_HDF5')
  })

  it('of data that was never written', async () => {
    const file = unallocated(await small())
    expect(await (await (await openHdf5(sourceOf(file))).root.dataset('x'))?.read()).toMatchObject({ shape: [3, 5] })
    await expectRefused(reshaped(file, 2 ** 20, 2 ** 8), 'E_LIMIT')
    await expectRefused(reshaped(file, 2 ** 40, 5), 'E_LIMIT')
  })

  it('of an attribute', async () => {
    const bytes = await fileOf(groupOf({}, { numbers: counted('float32', [3, 5]) }))
    await expectRefused(reshaped(bytes, 2 ** 40, 5), 'E_INVALID_HDF5')
  })

  it('of nothing: no elements however large the other dimension', async () => {
    const bytes = reshaped(await small(), 0, 2 ** 52)
    expect((await askForAll(sourceOf(bytes))).refusals).toEqual([])
  })
})

describe('chunks', () => {
  const layouts = fixture('layouts-earliest.h5')
  /** The layout of `one-dimension`: version 3, chunked, two dimensions, an address, chunks of 7 elements of 8 bytes. */
  const sizes = u32(7, 8)
  const layoutPlace = placesOf(layouts, sizes).find(
    (place) => layouts[place - 11] === 3 && layouts[place - 10] === 2,
  ) as number
  const shape = [1, 1, 1, 0, 0, 0, 0, 0, ...u64(50, 50)]

  async function readOne(bytes: Uint8Array) {
    const { root } = await openHdf5(sourceOf(bytes))
    return (await root.dataset('one-dimension'))?.read()
  }

  function withSizes(elements: number, chunk: number): Uint8Array {
    const bytes = replaced(layouts, shape, [...shape.slice(0, 8), ...u64(elements, elements)])
    bytes.set(u32(chunk), layoutPlace)
    return bytes
  }

  it('that are huge', async () => {
    expect((await readOne(withSizes(50, 7)))?.shape).toEqual([50])
    await expect(readOne(withSizes(50, 2 ** 32 - 1))).rejects.toMatchObject({
      code: 'E_LIMIT',
      where: '/one-dimension',
    })
    await expect(readOne(withSizes(50, 2 ** 24))).rejects.toMatchObject({ code: 'E_LIMIT' })
    await expect(readOne(withSizes(2 ** 50, 7))).rejects.toMatchObject({ code: 'E_LIMIT' })
    await expect(readOne(withSizes(2 ** 26, 7))).rejects.toMatchObject({ code: 'E_LIMIT' })
    await expect(readOne(withSizes(50, 0))).rejects.toMatchObject({ code: 'E_INVALID_HDF5' })
  })

  it('that inflate to far more than they should', async () => {
    const bomb = deflateSync(new Uint8Array(48 * 2 ** 20), { level: 9 })
    const bytes = new Uint8Array(layouts.length + bomb.length)
    bytes.set(layouts)
    bytes.set(bomb, layouts.length)
    // the first key of the chunk tree: size and mask, first element, then the address of the chunk
    const address = Number(new DataView(layouts.buffer).getBigUint64(layoutPlace - 8, true))
    bytes.set(u32(bomb.length), address + 24)
    bytes.set(u64(layouts.length), address + 24 + 8 + 16)
    await expect(readOne(bytes)).rejects.toMatchObject({ code: 'E_INVALID_HDF5', where: '/one-dimension' })
  })
})

describe('structures that meet themselves', () => {
  const SYMBOL_BYTES = 40
  const deep = (levels: number): H5WriteGroup =>
    levels === 0 ? groupOf({}) : groupOf({ a: deep(levels - 1), b: groupOf({}) })

  /** The entries of every symbol node with two members. */
  const pairs = (bytes: Uint8Array) => placesOf(bytes, [...Buffer.from('SNOD'), 1, 0, 2, 0]).map((place) => place + 8)

  it('groups that are their own members', async () => {
    const bytes = await fileOf(groupOf({ a: groupOf({}), b: groupOf({}) }))
    const root = bytes.slice(64, 72)
    for (const entry of pairs(bytes)) bytes.set(root, entry + 8)
    await expectRefused(bytes, 'E_INVALID_HDF5')
  })

  it('groups with more paths than anybody can walk', async () => {
    const bytes = await fileOf(deep(30))
    for (const entry of pairs(bytes)) bytes.copyWithin(entry + SYMBOL_BYTES + 8, entry + 8, entry + SYMBOL_BYTES)
    await expectRefused(bytes, 'E_LIMIT')
  })

  it('trees whose children are themselves', async () => {
    const bytes = await fileOf(groupOf({ a: groupOf({}) }))
    const tree = Number(new DataView(bytes.buffer).getBigUint64(80, true))
    bytes[tree + 5] = 1
    bytes.set(u64(tree), tree + 32)
    await expectRefused(bytes, 'E_INVALID_HDF5')
  })

  it('headers that are continued in themselves', async () => {
    const bytes = await fileOf(groupOf({}))
    const root = Number(new DataView(bytes.buffer).getBigUint64(64, true))
    bytes.set([0x10, 0], root + 16)
    bytes.set(u64(root + 16, 24), root + 24)
    await expectRefused(bytes, 'E_INVALID_HDF5')
  })

  it('headers that are continued everywhere', async () => {
    const bytes = await fileOf(groupOf({}))
    const count = 8000
    const start = bytes.length
    const continued = new Uint8Array(start + 16 + count * 24)
    continued.set(bytes)
    continued.set(u64(start), 64)
    continued.set([1, 0, 1, 0, ...u32(1, count * 24)], start)
    for (let i = 0; i < count; i++) {
      const place = start + 16 + i * 24
      const offset = start + 16 + ((i * 24 + 24) % (count * 24))
      continued.set([0x10, 0, 16, 0, 0, 0, 0, 0, ...u64(offset, continued.length - offset)], place)
    }
    await expectRefused(continued, 'E_LIMIT')
  })

  it('soft links that double with every step', async () => {
    const { root } = await openHdf5(sourceOf(fixture('links-earliest.h5')))
    await expect(root.get('loop-1/loop-2/loop-1')).rejects.toMatchObject({ code: 'E_INVALID_HDF5', where: '/loop-1' })
  })
})

describe('texts', () => {
  it('that are one large text many times', async () => {
    const large = 'x'.repeat(2 ** 20)
    const bytes = await fileOf(groupOf({}, { large, list: Array.from({ length: 4000 }, () => 'y') }))
    const reference = (placesOf(bytes, 'large\0\0\0') as [number])[0] + 8 + 24 + 8
    const list = (placesOf(bytes, 'list\0\0\0\0') as [number])[0] + 8 + 24 + 16
    for (let i = 0; i < 4000; i++) bytes.copyWithin(list + i * 16, reference, reference + 16)
    await expectRefused(bytes, 'E_LIMIT')
  })

  it('that are longer than their place, or are in no heap', async () => {
    const bytes = await fileOf(groupOf({}, { text: 'some text' }))
    const reference = (placesOf(bytes, [9, 0, 0, 0]) as [number])[0]
    const longer = new Uint8Array(bytes)
    longer.set(u32(10), reference)
    await expectRefused(longer, 'E_INVALID_HDF5')
    const missing = new Uint8Array(bytes)
    missing.set(u32(7), reference + 12)
    await expectRefused(missing, 'E_INVALID_HDF5')
    const outside = new Uint8Array(bytes)
    outside.set(u64(2 ** 40), reference + 4)
    await expectRefused(outside, 'E_TRUNCATED')
  })
})

describe('other files', () => {
  it('are named and never opened', async () => {
    const source = sourceOf(fixture('other-files.h5'))
    const { refusals } = await askForAll(source)
    expect(refusals).toEqual([
      { code: 'E_UNSAFE_LINK', where: '/external' },
      { code: 'E_UNSAFE_LINK', where: '/virtual' },
      { code: 'E_UNSAFE_LINK', where: '/link' },
    ])
    const root: H5Group = (await openHdf5(source)).root
    expect((await root.links()).get('link')).toEqual({ kind: 'external', target: '/etc/passwd:/x' })
  })
})

describe('the limits', () => {
  it('are the caller’s to change', async () => {
    const bytes = await fileOf(groupOf({ x: datasetOf(counted('float32', [300])) }, { text: 'x'.repeat(10_000) }))
    const limits = { metadataBytes: 1000, metadataPerFileByte: 0 }
    await expect(openHdf5(sourceOf(bytes), { limits }).then(({ root }) => root.attributes())).rejects.toMatchObject({
      code: 'E_LIMIT',
      where: '/@text',
    })
    const { root } = await openHdf5(sourceOf(bytes), { limits: { datasetBytes: 1000 } })
    await expect((await root.dataset('x'))?.read()).rejects.toMatchObject({ code: 'E_LIMIT', where: '/x' })
    const nested = await fileOf(groupOf({ a: groupOf({ b: groupOf({ c: groupOf({}) }) }) }))
    const shallow = await openHdf5(sourceOf(nested), { limits: { depth: 2 } })
    expect((await shallow.root.group('a/b'))?.path).toBe('/a/b')
    await expect(shallow.root.group('a/b/c')).rejects.toMatchObject({ code: 'E_LIMIT', where: '/a/b/c' })
  })
})
