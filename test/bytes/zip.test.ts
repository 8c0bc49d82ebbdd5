import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memorySource, readAll, type Source } from '../../src/bytes/source.ts'
import { isZip, openZip, planZip, type ZipInput } from '../../src/bytes/zip/index.ts'
import { crc32 } from '../../src/platform/node.ts'
import { collect, fromBase64, readFixture, type ZipFixture } from './fixtures.ts'

const fixture = readFixture<ZipFixture>('zip.json')
const text = (string: string): Uint8Array => new TextEncoder().encode(string)
const archiveOf = (inputs: readonly ZipInput[]): Promise<Uint8Array> => collect(planZip(inputs).chunks())
const open = (bytes: Uint8Array) => openZip(memorySource(bytes, 'a.zip'))

describe('archives made by Python and torch', () => {
  test.each(fixture.archives.map((archive) => [archive.name, archive] as const))('%s', async (_, { zip, sha256 }) => {
    const bytes = fromBase64(zip)
    expect(isZip(bytes)).toBe(true)
    const archive = await open(bytes)
    expect([...archive.entries.keys()]).toEqual(Object.keys(sha256))
    for (const entry of archive.entries.values()) {
      const content = await readAll(await entry.open())
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256[entry.name])
      expect(content.length).toBe(entry.size)
      await entry.verify()
    }
  })

  test.each(fixture.refused.map((archive) => [archive.name, archive] as const))(
    '%s is listed and refused',
    async (_, refused) => {
      const archive = await open(fromBase64(refused.zip))
      const entry = archive.entries.get(refused.entry)
      expect(entry?.refusal?.code).toBe(refused.code)
      await expect(entry?.open()).rejects.toBe(entry?.refusal)
      await expect(entry?.verify()).rejects.toBe(entry?.refusal)
    },
  )
})

describe('writing', () => {
  const NAME = fc
    .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
    .filter((name) => !/[\\\0]|^\/|^[a-z]:|\.\./i.test(name))
  const ENTRIES = fc.uniqueArray(
    fc.record({ name: NAME, bytes: fc.uint8Array({ maxLength: 300 }), streamed: fc.boolean() }),
    {
      maxLength: 6,
      selector: ({ name }) => name.normalize('NFC'),
    },
  )
  const inputs = (entries: readonly { name: string; bytes: Uint8Array; streamed: boolean }[]): ZipInput[] =>
    entries.map(({ name, bytes, streamed }) => {
      if (!streamed) return { name, bytes }
      const half = bytes.length >> 1
      return { name, size: bytes.length, chunks: () => [bytes.subarray(0, half), bytes.subarray(half)] }
    })

  test('what is written is read back, aligned, the same bytes each time and of the planned size', async () => {
    await fc.assert(
      fc.asyncProperty(ENTRIES, async (entries) => {
        const plan = planZip(inputs(entries))
        const bytes = await collect(plan.chunks())
        expect(bytes.length).toBe(plan.size)
        expect(Buffer.compare(bytes, await archiveOf(inputs(entries)))).toBe(0)
        const archive = await open(bytes)
        expect([...archive.entries.keys()]).toEqual(entries.map(({ name }) => name))
        for (const entry of entries) {
          const source = (await archive.entries.get(entry.name)?.open()) as Source
          const content = await readAll(source)
          expect(content).toEqual(entry.bytes)
          if (content.length > 0) expect((content.byteOffset - bytes.byteOffset) % 64).toBe(0)
        }
      }),
    )
  })

  test('more entries than 16 bits count take zip64', async () => {
    const names = Array.from({ length: 65_536 }, (_, i) => String(i))
    const archive = await open(await archiveOf(names.map((name) => ({ name, bytes: text(name) }))))
    expect(archive.entries.size).toBe(65_536)
    expect(await readAll((await archive.entries.get('65535')?.open()) as Source)).toEqual(text('65535'))
  })

  test('an entry over 4 GiB and what lies behind it', async () => {
    const size = 2 ** 32 + 5
    const block = new Uint8Array(2 ** 24)
    const plan = planZip([
      {
        name: 'large',
        size,
        *chunks() {
          for (let at = 0; at < size; at += block.length) yield block.subarray(0, Math.min(block.length, size - at))
        },
      },
      { name: 'small', bytes: text('behind') },
    ])
    const sparse = new SparseSource(plan.size)
    let at = 0
    for await (const chunk of plan.chunks()) {
      sparse.keep(at, chunk)
      at += chunk.length
    }
    expect(at).toBe(plan.size)
    const archive = await openZip(sparse)
    expect(archive.entries.get('large')?.size).toBe(size)
    const large = await archive.entries.get('large')?.open()
    expect(await large?.read(2 ** 32, 5)).toEqual(new Uint8Array(5))
    expect(await readAll((await archive.entries.get('small')?.open()) as Source)).toEqual(text('behind'))
  })

  test('a plan that lies about its size is an error, not a broken archive', async () => {
    for (const size of [2, 4]) {
      await expect(archiveOf([{ name: 'a', size, chunks: () => [text('abc')] }])).rejects.toMatchObject({
        code: 'E_INVALID_STATE',
      })
    }
  })

  test.each(['../x', '/x', 'a\\b', '', 'C:x', 'a\0b'])('the name %j is refused', (name) => {
    expect(() => planZip([{ name, bytes: text('x') }])).toThrow("a zip entry's name must not hold")
  })

  test('two entries of one name are refused', () => {
    const entry = { name: 'x', bytes: text('x') }
    expect(() => planZip([entry, entry])).toThrow('two zip entries of the same name')
  })
})

/** Zeros, except for the small chunks that were kept. */
class SparseSource implements Source {
  readonly name = 'sparse'
  readonly size: number
  readonly #kept: [offset: number, bytes: Uint8Array][] = []

  constructor(size: number) {
    this.size = size
  }

  keep(offset: number, chunk: Uint8Array): void {
    if (chunk.length < 10_000) this.#kept.push([offset, chunk.slice()])
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const out = new Uint8Array(length)
    for (const [start, bytes] of this.#kept) {
      for (let i = Math.max(0, offset - start); i < bytes.length && start + i < offset + length; i++) {
        out[start + i - offset] = bytes[i] as number
      }
    }
    return out
  }
}

describe('reading', () => {
  /** Deflated, with header fields as the test wants them. */
  function deflated(
    content: Uint8Array,
    patch: { size?: number; crc?: number; flags?: number; method?: number } = {},
  ): Uint8Array {
    const data = deflateRawSync(content)
    const { size = content.length, crc = crc32(content), flags = 0, method = 8 } = patch
    const out = Buffer.alloc(30 + 1 + data.length + 46 + 1 + 22)
    const fields = (at: number): void => {
      out.writeUInt16LE(20, at)
      out.writeUInt16LE(flags, at + 2)
      out.writeUInt16LE(method, at + 4)
      out.writeUInt32LE(crc, at + 10)
      out.writeUInt32LE(data.length, at + 14)
      out.writeUInt32LE(size, at + 18)
      out.writeUInt16LE(1, at + 22)
    }
    const directory = 31 + data.length
    out.write('PK\x03\x04', 0, 'latin1')
    fields(4)
    out.write('a', 30)
    out.set(data, 31)
    out.write('PK\x01\x02', directory, 'latin1')
    fields(directory + 6)
    out.write('a', directory + 46)
    out.write('PK\x05\x06', directory + 47, 'latin1')
    out.writeUInt16LE(1, directory + 55)
    out.writeUInt16LE(1, directory + 57)
    out.writeUInt32LE(47, directory + 59)
    out.writeUInt32LE(directory, directory + 63)
    return new Uint8Array(out)
  }
  const entryOf = async (bytes: Uint8Array) => (await open(bytes)).entries.get('a')

  test('the helper makes a good archive', async () => {
    const entry = await entryOf(deflated(text('hello')))
    expect(await readAll((await entry?.open()) as Source)).toEqual(text('hello'))
  })

  test('a stored entry is a view on the archive, read in ranges', async () => {
    const bytes = await archiveOf([{ name: 'a', bytes: text('hello world') }])
    const source = (await (await entryOf(bytes))?.open()) as Source
    const part = await source.read(6, 5)
    expect(part).toEqual(text('world'))
    expect(part.buffer).toBe(bytes.buffer)
    await expect(source.read(6, 6)).rejects.toMatchObject({ code: 'E_TRUNCATED', where: 'a.zip/a' })
  })

  test.each([
    ['less than declared', { size: 1500 }, 'E_TRUNCATED'],
    ['more than declared', { size: 500 }, 'E_LIMIT'],
    ['another checksum', { crc: 1 }, 'E_INVALID_ZIP'],
    ['encrypted', { flags: 1 }, 'E_UNSUPPORTED_ZIP'],
    ['strongly encrypted', { flags: 1 << 6 }, 'E_UNSUPPORTED_ZIP'],
    ['a patch', { flags: 1 << 5 }, 'E_UNSUPPORTED_ZIP'],
    ['stored with two sizes', { method: 0 }, 'E_INVALID_ZIP'],
    ['deflate64', { method: 9 }, 'E_UNSUPPORTED_ZIP'],
  ])('%s is refused', async (_, patch, code) => {
    const entry = await entryOf(deflated(new Uint8Array(1000), patch))
    await expect(entry?.open()).rejects.toMatchObject({ code })
  })

  test('an archive that unpacks to too much is listed, and its compressed entries are refused', async () => {
    const entry = await entryOf(deflated(text('small'), { size: 70 << 20 }))
    expect(entry?.size).toBe(70 << 20)
    await expect(entry?.open()).rejects.toMatchObject({ code: 'E_LIMIT', where: 'a.zip' })
    const zeros = memorySource(deflated(new Uint8Array(100_000)), 'a.zip')
    const strict = await openZip(zeros, { inflateFloor: 1000, inflateRatio: 10 })
    await expect(strict.entries.get('a')?.open()).rejects.toMatchObject({ code: 'E_LIMIT' })
    expect((await (await openZip(zeros)).entries.get('a')?.open())?.size).toBe(100_000)
  })

  test('damage inside a stored entry is found when it is read whole or verified', async () => {
    const bytes = await archiveOf([{ name: 'a', bytes: text('hello world') }])
    const at = Buffer.from(bytes).indexOf('world')
    bytes[at] = 87
    const entry = await entryOf(bytes)
    const source = (await entry?.open()) as Source
    await expect(readAll(source)).rejects.toThrow('the data is damaged')
    await expect(entry?.verify()).rejects.toMatchObject({ code: 'E_INVALID_ZIP', where: 'a.zip/a' })
  })

  test('verify stops when told to', async () => {
    const bytes = await archiveOf([{ name: 'a', bytes: text('hello') }])
    await expect((await entryOf(bytes))?.verify(AbortSignal.abort())).rejects.toMatchObject({ code: 'E_ABORTED' })
  })

  /** Every 16-bit field of both headers, set to another value in one of the two places. */
  test.each([
    ['method', 8, 10],
    ['crc', 14, 16],
    ['compressed size', 18, 20],
    ['size', 22, 24],
    ['name', 30, 46],
  ])('an entry and a directory that disagree on the %s are refused', async (_, local, central) => {
    for (const place of ['local', 'central'] as const) {
      const bytes = await archiveOf([
        { name: 'a', bytes: text('abc') },
        { name: 'b', bytes: text('b') },
      ])
      const directory = Buffer.from(bytes).indexOf('PK\x01\x02', 0, 'latin1')
      const at = place === 'local' ? local : directory + central
      bytes[at] = (bytes[at] as number) ^ 1
      const refused = open(bytes).then(async (archive) => {
        for (const entry of archive.entries.values()) await readAll(await entry.open())
      })
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/E_(INVALID|UNSUPPORTED)_ZIP/) })
    }
  })

  test('a name twice, and entries on the same bytes', async () => {
    const bytes = await archiveOf([
      { name: 'a', bytes: text('abc') },
      { name: 'b', bytes: text('abc') },
    ])
    const twice = bytes.slice()
    const second = Buffer.from(twice).lastIndexOf('PK\x01\x02', undefined, 'latin1')
    twice[second + 46] = 97
    await expect(open(twice)).rejects.toThrow('the name "a" occurs twice')
    const overlapping = bytes.slice()
    overlapping.fill(0, second + 42, second + 46)
    await expect(open(overlapping)).rejects.toThrow('overlaps')
  })

  test('several parts', async () => {
    const bytes = await archiveOf([{ name: 'a', bytes: text('abc') }])
    bytes[bytes.length - 18] = 1
    await expect(open(bytes)).rejects.toMatchObject({ code: 'E_UNSUPPORTED_ZIP' })
  })

  test('names without the UTF-8 flag: UTF-8 or code page 437', async () => {
    for (const [raw, name] of [
      [text('ö'), 'ö'],
      [Uint8Array.of(0x94, 0x41), 'öA'],
    ] as const) {
      const bytes = await archiveOf([{ name: 'xx', bytes: text('abc') }])
      for (let at = Buffer.from(bytes).indexOf('xx'); at >= 0; at = Buffer.from(bytes).indexOf('xx')) bytes.set(raw, at)
      const entry = (await open(bytes)).entries.get(name)
      expect(entry?.name).toBe(name)
      expect((await entry?.open())?.size).toBe(3)
    }
  })

  test('a list of entries beyond its limit', async () => {
    const bytes = await archiveOf([{ name: 'a', bytes: text('abc') }])
    await expect(openZip(memorySource(bytes), { zipDirectory: 10 })).rejects.toMatchObject({ code: 'E_LIMIT' })
  })

  test('only the directory is read to open, and only headers to open an entry', async () => {
    const bytes = await archiveOf([{ name: 'a', bytes: new Uint8Array(1_000_000) }])
    let read = 0
    const memory = memorySource(bytes)
    const counting: Source = {
      ...memory,
      read(offset, length) {
        read += length
        return memory.read(offset, length)
      },
    }
    const entry = (await openZip(counting)).entries.get('a')
    await entry?.open()
    expect(read).toBeLessThan(67_000)
  })
})

test('isZip', () => {
  expect(isZip(text('PK\x03\x04'))).toBe(true)
  expect(isZip(text('PK'))).toBe(false)
  expect(isZip(text('\x89HDF\r\n\x1a\n'))).toBe(false)
})
