import { describe, expect, test } from 'vitest'
import { parseJson } from '../../src/bytes/json.ts'
import { readNpy } from '../../src/bytes/npy.ts'
import { readNpz } from '../../src/bytes/npz.ts'
import { memorySource, readAll } from '../../src/bytes/source.ts'
import { openZip } from '../../src/bytes/zip/index.ts'
import { fromBase64, type JsonFixture, type NpyFixture, readFixture, type ZipFixture } from '../bytes/fixtures.ts'
import { mustNotCrash, mutate, randomIntegers, withinMemory } from './containers.ts'

interface Container {
  readonly name: string
  readonly files: readonly Uint8Array[]
  read(bytes: Uint8Array): Promise<unknown>
  /** Whether a file that is cut off anywhere must be refused (a text may be whole before its end). */
  readonly refusesEveryPrefix: boolean
}

const zips = readFixture<ZipFixture>('zip.json').archives
const bytesOf = (name: string): Uint8Array => fromBase64(zips.find((zip) => zip.name === name)?.zip ?? '')

async function readZip(bytes: Uint8Array): Promise<void> {
  const archive = await openZip(memorySource(bytes))
  for (const entry of archive.entries.values()) await readAll(await entry.open())
}

async function readArrays(bytes: Uint8Array): Promise<void> {
  for (const array of (await readNpz(memorySource(bytes))).values()) await array.load()
}

const CONTAINERS: readonly Container[] = [
  {
    name: 'zip',
    files: ['stored', 'deflated', 'stored, zip64', 'deflated, zip64, data descriptors', 'torch'].map(bytesOf),
    read: readZip,
    refusesEveryPrefix: true,
  },
  {
    name: 'npz',
    files: ['savez', 'savez_compressed'].map(bytesOf),
    read: readArrays,
    refusesEveryPrefix: true,
  },
  {
    name: 'npy',
    files: readFixture<NpyFixture>('npy.json')
      .arrays.filter(({ shape }) => !shape.includes(0))
      .map(({ npy }) => fromBase64(npy)),
    read: (bytes) => readNpy(memorySource(bytes)),
    refusesEveryPrefix: true,
  },
  {
    name: 'json',
    files: readFixture<JsonFixture>('json.json').texts.map(({ text }) => new TextEncoder().encode(text)),
    read: async (bytes) => parseJson(bytes),
    refusesEveryPrefix: false,
  },
]

describe.each(CONTAINERS)('$name', ({ files, read, refusesEveryPrefix }) => {
  test('whole files are read', async () => {
    for (const file of files) await read(file)
  })

  test('cut off at every byte', async () => {
    for (const [i, file] of files.entries()) {
      for (let length = 0; length < file.length; length++) {
        const { refused } = await mustNotCrash(`file ${i} cut at ${length}`, () => read(file.slice(0, length)))
        if (refusesEveryPrefix && !refused) expect.fail(`file ${i} cut at ${length} was taken`)
      }
    }
  })

  test('1,500 mutations', async () => {
    const random = randomIntegers(20_261)
    let refused = 0
    await withinMemory(200, async () => {
      for (let i = 0; i < 1500; i++) {
        const file = files[i % files.length] as Uint8Array
        const outcome = await mustNotCrash(`mutation ${i}`, () => read(mutate(file, random)))
        if (outcome.refused) refused++
      }
    })
    // Many hit data that means nothing to the container; as many must be noticed.
    expect(refused).toBeGreaterThan(100)
  })
})
