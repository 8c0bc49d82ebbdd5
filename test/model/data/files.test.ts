import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toTensors } from '../../../src/model/data/arrays.ts'
import { parseCsv } from '../../../src/model/data/csv.ts'
import { checkArrayOutput, readArrays, writeArrays } from '../../../src/model/data/files.ts'
import { Tensor, tensor } from '../../../src/tensor/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'rekindle-data-'))
const path = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

const csv = (text: string) => parseCsv(new TextEncoder().encode(text), 't.csv').toArray()

describe('parseCsv', () => {
  it('reads commas, semicolons and tabs, names of columns, comments, quotes and empty lines', () => {
    for (const text of [
      '1,2\n3,4',
      '1;2\r\n3;4\r\n',
      'a\tb\n1\t2\n\n3\t4\n',
      '# numpy\n"1", 2\n3,"4"',
      'a,nana\n1,2\n3,4',
    ]) {
      expect(csv(text)).toEqual([
        [1, 2],
        [3, 4],
      ])
    }
    expect(csv('nan,-inf\n1e-3,+2')).toEqual([
      [Number.NaN, Number.NEGATIVE_INFINITY],
      [0.001, 2],
    ])
    expect(csv('')).toEqual([])
  })

  it.each([
    ['1,2\n3', 't.csv, line 2: rows of different lengths; expected 2 columns, received 1'],
    ['1,2\n3,x', "t.csv, line 2, column 2: not a number; received 'x'"],
    ['1,x\n3,4', "t.csv, line 1, column 2: not a number; received 'x'"],
    ['1,2\n3,', 't.csv, line 2, column 2: not a number; received nothing'],
    ['a,b\nc,d', "t.csv, line 2, column 1: not a number; received 'c'"],
  ])('refuses %j', (text, message) => {
    expect(() => csv(text)).toThrow(message)
  })
})

describe('files of arrays', () => {
  const a = tensor([
    [1, 0.5],
    [Number.NaN, -2],
  ])
  const b = new Tensor('int64', [2], new BigInt64Array([3n, -4n]))

  it.each(['one.npy', 'one.npz', 'one.csv', 'one.json', 'ONE.NPY'])(
    'come back as they were written: %s',
    async (name) => {
      await writeArrays(path(name), new Map([['y', a]]))
      const [values] = (await readArrays(path(name))).values()
      expect(values instanceof Tensor ? values.toArray() : values).toEqual(a.toArray())
    },
  )

  it.each(['two.npz', 'two.json'])('hold several arrays in order: %s', async (name) => {
    await writeArrays(
      path(name),
      new Map<string, Tensor>([
        ['b', b],
        ['a', a],
      ]),
    )
    const specs = ['a', 'b'].map((spec) => ({ name: spec, dtype: null, shape: null }))
    const tensors = await toTensors(path(name), specs, 'x')
    expect([...(await readArrays(path(name))).keys()]).toEqual(['b', 'a'])
    expect(tensors[0]?.toArray()).toEqual(a.toArray())
    expect(Array.from((tensors[1] as Tensor).data as ArrayLike<bigint>, Number)).toEqual([3, -4])
  })

  it('are refused when they hold one array and several are given', async () => {
    const two = new Map<string, Tensor>([
      ['b', b],
      ['a', a],
    ])
    writeFileSync(path('old.npy'), 'old')
    expect(() => checkArrayOutput('old.npy', ['a', 'b'])).toThrow(
      'old.npy: a file for one array; received 2: a, b (an .npz holds several)',
    )
    expect(() => checkArrayOutput('y.txt', ['a'])).toThrow(
      'not a file of arrays; expected .npy, .npz, .csv, .json, received y.txt',
    )
    await expect(writeArrays(path('old.npy'), two)).rejects.toThrow('a file for one array')
    expect(readFileSync(path('old.npy'), 'utf8')).toBe('old')
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('say what is wrong with them', async () => {
    await expect(readArrays(path('missing.npy'))).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' })
    writeFileSync(path('bad.npy'), 'not numpy at all')
    await expect(readArrays(path('bad.npy'))).rejects.toMatchObject({ code: 'E_INVALID_NPY' })
    writeFileSync(path('bad.json'), '[1, 2')
    await expect(readArrays(path('bad.json'))).rejects.toMatchObject({ code: 'E_INVALID_JSON' })
  })
})
