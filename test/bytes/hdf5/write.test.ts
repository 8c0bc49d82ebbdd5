import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import h5wasm, { type Dataset, type Group } from 'h5wasm/node'
import { describe, expect, it } from 'vitest'
import {
  type H5Attribute,
  type H5Group,
  type H5WriteAttribute,
  type H5WriteDataset,
  type H5WriteGroup,
  openHdf5,
  planHdf5,
} from '../../../src/bytes/hdf5/index.ts'
import { allocate, type DType, Tensor } from '../../../src/tensor/index.ts'
import { attributeSight, counted, datasetOf, fileOf, groupOf, sightOf, sourceOf } from './support.ts'

const WRITABLE = [
  ...(['bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'] as const),
  ...(['float16', 'bfloat16', 'float32', 'float64', 'complex64', 'complex128'] as const),
]
const REFUSED = [
  'int4',
  'uint4',
  'float8_e4m3fn',
  'float8_e4m3fnuz',
  'float8_e5m2',
  'float8_e5m2fnuz',
  'string',
] as const

async function reopen(root: H5WriteGroup): Promise<H5Group> {
  return (await openHdf5(sourceOf(await fileOf(root)))).root
}

/** Holds a file against the tree that it was written from. */
async function expectSame(found: H5Group, written: H5WriteGroup): Promise<void> {
  await expectSameAttributes(found, written.attributes)
  expect([...(await found.links()).keys()].sort()).toEqual([...written.children.keys()].sort())
  for (const [name, child] of written.children) {
    if (child.kind === 'group') {
      await expectSame((await found.group(name)) as H5Group, child)
      continue
    }
    const dataset = await found.dataset(name)
    expect(dataset && sightOf(await dataset.read()), `${found.path} ${name}`).toEqual(sightOf(await child.load()))
    const own: ReadonlyMap<string, H5WriteAttribute> = child.attributes ?? new Map()
    await expectSameAttributes(dataset, child.dtype === 'bfloat16' ? new Map([...own, ['dtype', 'bfloat16']]) : own)
  }
}

async function expectSameAttributes(
  found: { attributes(): Promise<ReadonlyMap<string, H5Attribute>> } | undefined,
  written: ReadonlyMap<string, H5WriteAttribute> = new Map(),
): Promise<void> {
  const attributes = await found?.attributes()
  expect(attributes && [...attributes.keys()]).toEqual([...written.keys()])
  for (const [name, value] of written)
    expect(attributeSight(attributes?.get(name) ?? null)).toEqual(attributeSight(value))
}

describe('a written file', () => {
  it.each(WRITABLE)('holds %s', async (dtype) => {
    const attributes = dtype === 'bfloat16' ? {} : { scalar: counted(dtype, []), matrix: counted(dtype, [2, 3]) }
    const shapes: number[][] = [[], [0], [3, 0, 2], [7], [2, 3, 4]]
    const children = Object.fromEntries(shapes.map((shape) => [`[${shape}]`, datasetOf(counted(dtype, shape))]))
    const root = groupOf(children, attributes)
    await expectSame(await reopen(root), root)
  })

  it.each(REFUSED)('cannot hold %s', (dtype) => {
    expect(() =>
      planHdf5(groupOf({ x: datasetOf(new Tensor(dtype as DType, [1], allocate(dtype as DType, 1))) })),
    ).toThrow(expect.objectContaining({ code: 'E_UNSUPPORTED_DTYPE', where: '/x' }))
  })

  it('has groups of no and of 5,000 members', async () => {
    const members = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`member ${i}`, groupOf({})]))
    const root = groupOf({ none: groupOf({}), many: groupOf(members) })
    const found = await reopen(root)
    expect((await (await found.group('none'))?.links())?.size).toBe(0)
    const links = await (await found.group('many'))?.links()
    expect(new Set(links?.keys())).toEqual(new Set(Object.keys(members)))
    expect((await found.group('many/member 4999'))?.path).toBe('/many/member 4999')
  })

  it('has groups in groups, to the reader’s own limit', async () => {
    const nested = (levels: number): H5WriteGroup => (levels === 0 ? groupOf({}) : groupOf({ in: nested(levels - 1) }))
    const found = await reopen(nested(200))
    expect((await found.group('in/'.repeat(200)))?.kind).toBe('group')
    expect(await found.group('in/'.repeat(201))).toBeUndefined()
    expect((await (await reopen(nested(256))).group('in/'.repeat(256)))?.kind).toBe('group')
    expect(() => planHdf5(nested(257))).toThrow(expect.objectContaining({ code: 'E_LIMIT' }))
  })

  it('has texts of several megabytes and lists of thousands', async () => {
    const root = groupOf(
      { inner: groupOf({}, { text: 'y'.repeat(70_000) }) },
      {
        large: '{"class_name": "Sequential"} é '.repeat(200_000),
        larger: 'x'.repeat(17 * 2 ** 20),
        list: Array.from({ length: 4000 }, (_, i) => `layer_${i}`),
        none: [],
        empty: '',
        matrix: new Tensor('string', [2, 2], ['a', '', 'c', 'd']),
      },
    )
    await expectSame(await reopen(root), root)
  })

  it('refuses what an attribute cannot hold, and says where', () => {
    const large = groupOf({ a: groupOf({}, { numbers: new Tensor('float32', [20_000], new Float32Array(20_000)) }) })
    expect(() => planHdf5(large)).toThrow(expect.objectContaining({ code: 'E_LIMIT', where: '/a@numbers' }))
    const list = groupOf({}, { list: Array.from({ length: 5000 }, () => 'x') })
    expect(() => planHdf5(list)).toThrow(expect.objectContaining({ code: 'E_LIMIT', where: '/@list' }))
    const half = groupOf({}, { half: counted('bfloat16', [1]) })
    expect(() => planHdf5(half)).toThrow(expect.objectContaining({ code: 'E_UNSUPPORTED_DTYPE' }))
  })

  it.each(['', '.', 'a/b', 'a\0b', '\ud800'])('refuses the name %j', (name) => {
    expect(() => planHdf5(groupOf({ [name]: groupOf({}) }))).toThrow(
      expect.objectContaining({ code: 'E_INVALID_ARGUMENT' }),
    )
  })

  it('keeps names that mean something to JavaScript', async () => {
    const children = new Map(
      [...['__proto__', 'constructor', '..', ' ', '名前', '\u{1f4a1}']].map((name) => [name, groupOf({})]),
    )
    const root: H5WriteGroup = { kind: 'group', children, attributes: new Map([['__proto__', 'safe']]) }
    await expectSame(await reopen(root), root)
  })

  it('loads data when its turn comes, and only what was announced', async () => {
    const loaded: string[] = []
    const lazy = (name: string): H5WriteDataset => ({
      kind: 'dataset',
      dtype: 'float32',
      shape: [4],
      async load() {
        loaded.push(name)
        return counted('float32', [4])
      },
    })
    const plan = planHdf5(groupOf({ b: lazy('b'), a: lazy('a') }))
    expect(loaded).toEqual([])
    const before: string[][] = []
    for await (const _ of plan.chunks()) before.push([...loaded])
    expect(before.at(0)).toEqual([])
    expect(loaded).toEqual(['b', 'a'])
    const wrongShape = groupOf({ x: { ...lazy('x'), shape: [5] } })
    await expect(fileOf(wrongShape)).rejects.toMatchObject({ code: 'E_INVALID_SHAPE', where: '/x' })
    const wrongType = groupOf({ x: { ...lazy('x'), dtype: 'int32' } })
    await expect(fileOf(wrongType)).rejects.toMatchObject({ code: 'E_INVALID_DTYPE', where: '/x' })
  })

  it('has its data on multiples of 64 bytes', async () => {
    const found = await reopen(groupOf({ a: datasetOf(counted('int8', [3])), b: datasetOf(counted('float32', [5])) }))
    for (const name of ['a', 'b']) expect(((await found.dataset(name))?.contiguous?.offset ?? 1) % 64).toBe(0)
  })
})

const text = fc
  .oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
  .map((value) => value.replace(/\0/g, '0'))
const wellFormed = text.map((value) => value.replace(/\p{Surrogate}/gu, '?'))
const memberName = wellFormed
  .map((value) => value.replace(/[/]/g, ':'))
  .filter((value) => value !== '' && value !== '.')
const tensorOf = (dtypes: readonly DType[]) =>
  fc
    .tuple(fc.constantFrom(...dtypes), fc.array(fc.nat(4), { maxLength: 3 }), fc.infiniteStream(fc.nat(255)))
    .map(([dtype, shape, bytes]) => {
      const tensor = new Tensor(
        dtype,
        shape,
        allocate(
          dtype,
          shape.reduce((product, dim) => product * dim, 1),
        ),
      )
      const { buffer } = tensor.data as Float32Array
      const raw = new Uint8Array(buffer)
      for (let i = 0; i < raw.length; i++) raw[i] = (bytes.next().value as number) & (dtype === 'bool' ? 1 : 255)
      return tensor
    })
const attribute: fc.Arbitrary<H5WriteAttribute> = fc.oneof(
  wellFormed,
  fc.array(wellFormed, { maxLength: 5 }),
  tensorOf(WRITABLE.filter((dtype) => dtype !== 'bfloat16')),
)
const attributes = fc
  .array(
    fc.tuple(
      wellFormed.filter((value) => value !== '' && value !== 'dtype'),
      attribute,
    ),
    { maxLength: 4 },
  )
  .map((entries) => new Map(entries))
const { root: tree } = fc.letrec<{ root: H5WriteGroup; child: H5WriteGroup | H5WriteDataset }>((tie) => ({
  root: fc
    .tuple(attributes, fc.array(fc.tuple(memberName, tie('child')), { maxLength: 12 }))
    .map(([attributes, children]) => ({ kind: 'group' as const, attributes, children: new Map(children) })),
  child: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(tensorOf(WRITABLE), attributes).map(([tensor, attributes]) => datasetOf(tensor, attributes)),
    tie('root'),
  ),
}))

describe('any tree', () => {
  it('is read as it was written, and gives the same bytes twice', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (root) => {
        const bytes = await fileOf(root)
        expect(Buffer.compare(bytes, await fileOf(root))).toBe(0)
        await expectSame((await openHdf5(sourceOf(bytes))).root, root)
      }),
      { numRuns: 25 },
    )
  })
})

describe('the HDF5 library (as WebAssembly)', () => {
  it('reads what we write', async () => {
    await h5wasm.ready
    const dtypes = WRITABLE.filter((dtype) => !/float16|complex/.test(dtype))
    const children = Object.fromEntries(dtypes.map((dtype) => [dtype, datasetOf(counted(dtype, [3, 4]))]))
    const members = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`m${i}`, groupOf({})]))
    const root = groupOf(
      { ...children, many: groupOf(members), deep: groupOf({ er: groupOf({ 名: datasetOf(counted('int32', [2])) }) }) },
      { text: 'naïve', list: ['a', '', 'λ'], large: 'model '.repeat(50_000), numbers: counted('float64', [3]) },
    )
    const folder = mkdtempSync(join(tmpdir(), 'rekindle-'))
    try {
      const path = join(folder, 'written.h5')
      writeFileSync(path, await fileOf(root))
      const file = new h5wasm.File(path, 'r')
      expect(file.attrs.text?.value).toBe('naïve')
      expect(file.attrs.list?.value).toEqual(['a', '', 'λ'])
      expect(file.attrs.large?.value).toBe('model '.repeat(50_000))
      expect(file.attrs.numbers?.value).toEqual(Float64Array.of(0, 1, 2))
      for (const dtype of dtypes) {
        const dataset = file.get(dtype) as Dataset
        expect(dataset.shape).toEqual([3, 4])
        expect(Array.from(dataset.value as Iterable<number | bigint>, Number), dtype).toEqual(
          Array.from(counted(dtype, [12]).data as Iterable<number | bigint>, Number),
        )
      }
      expect((file.get('many') as Group).keys().sort()).toEqual(Object.keys(members).sort())
      expect((file.get('deep/er/名') as Dataset).value).toEqual(Int32Array.of(0, 1))
      file.close()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
