import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  blobSource,
  cachedSource,
  memorySource,
  readAll,
  type Source,
  type SourceInput,
  sliceSource,
  toSource,
} from '../../src/bytes/source.ts'
import { urlSource } from '../../src/bytes/url-source.ts'

const CONTENT = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i + (i >> 7)) & 255)
let folder: string
let server: Server
let base: string
/** What the server was asked for, newest last. */
const asked: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekindle-'))
  await writeFile(join(folder, 'ä b.bin'), CONTENT)
  let version = 0
  server = createServer((request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    asked.push(`${request.url} ${request.headers.range ?? 'whole'}`)
    if (request.url === '/missing') return response.writeHead(404).end()
    if (request.url === '/broken') return response.writeHead(500).end()
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': 1000 }).write('abc', () => response.destroy())
      return
    }
    if (request.url === '/empty' && range) return response.writeHead(416, { 'content-range': 'bytes */0' }).end()
    if (!range || request.url === '/whole') return response.writeHead(200).end(CONTENT)
    const [first, last] = [Number(range[1]), Number(range[2])]
    const etag = request.url === '/changing' ? `"${version++}"` : '"1"'
    const total = request.url === '/hidden' ? {} : { 'content-range': `bytes ${first}-${last}/${CONTENT.length}` }
    const end = request.url === '/short' && last > 0 ? last : last + 1
    response.writeHead(206, { ...total, etag }).end(CONTENT.subarray(first, end))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})

describe('every kind of source gives the same bytes', () => {
  const kinds: [kind: string, input: () => SourceInput, name: string | RegExp][] = [
    ['memory', () => CONTENT, 'memory'],
    ['Buffer', () => Buffer.from(CONTENT), 'memory'],
    ['ArrayBuffer', () => CONTENT.slice().buffer, 'memory'],
    ['Blob', () => new Blob([CONTENT]), 'blob'],
    ['File', () => new File([CONTENT], 'model.h5'), 'model.h5'],
    ['path', () => join(folder, 'ä b.bin'), /ä b\.bin$/],
    ['file URL', () => pathToFileURL(join(folder, 'ä b.bin')), /ä b\.bin$/],
    ['file URL as text', () => pathToFileURL(join(folder, 'ä b.bin')).href, /ä b\.bin$/],
    ['URL with ranges', () => new URL(`${base}/ranged`), /\/ranged$/],
    ['URL without ranges', () => `${base}/whole`, /\/whole$/],
    ['URL that hides its size', () => `${base}/hidden`, /\/hidden$/],
    ['data URL', () => `data:;base64,${Buffer.from(CONTENT).toString('base64')}`, 'data URL'],
    ['source', () => cachedSource(sliceSource(memorySource(CONTENT), 0, CONTENT.length)), 'memory'],
  ]
  test.each(kinds)('%s', async (_, input, name) => {
    const source = await toSource(input())
    expect(source.name).toMatch(name)
    expect(source.size).toBe(CONTENT.length)
    const ranges = [
      [0, 10],
      [65_530, 20],
      [131_071, 65_536],
      [199_999, 1],
      [200_000, 0],
      [5, 190_000],
    ] as const
    for (const [offset, length] of ranges) {
      const bytes = await source.read(offset, length)
      expect(bytes.constructor).toBe(Uint8Array)
      expect(Buffer.compare(bytes, CONTENT.subarray(offset, offset + length))).toBe(0)
    }
    expect(Buffer.compare(await readAll(source), CONTENT)).toBe(0)
    for (const [offset, length] of [
      [200_000, 1],
      [-1, 5],
      [0, 200_001],
      [1.5, 1],
      [2 ** 53, 1],
    ] as const) {
      await expect(source.read(offset, length)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
    }
    await source.close?.()
  })
})

test('what is no file is refused by name', async () => {
  await expect(toSource(join(folder, 'missing'))).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' })
  await expect(toSource(5 as unknown as string)).rejects.toMatchObject({ code: 'E_INVALID_ARGUMENT' })
  await expect(toSource(null as unknown as string)).rejects.toMatchObject({ code: 'E_INVALID_ARGUMENT' })
})

test('memory is not copied', async () => {
  const bytes = await sliceSource(memorySource(CONTENT), 100, 50).read(10, 5)
  expect(bytes.buffer).toBe(CONTENT.buffer)
  expect(bytes.byteOffset).toBe(CONTENT.byteOffset + 110)
})

test('a slice keeps inside its part', async () => {
  const slice = sliceSource(memorySource(CONTENT), 100, 50, 'part')
  expect(slice).toMatchObject({ name: 'part', size: 50 })
  await expect(slice.read(49, 2)).rejects.toMatchObject({ code: 'E_TRUNCATED', where: 'part' })
  expect(() => sliceSource(slice, 40, 11)).toThrow('ends too early')
})

test('readAll holds its limit', async () => {
  await expect(readAll(memorySource(CONTENT), 1000)).rejects.toMatchObject({ code: 'E_LIMIT' })
})

describe('cachedSource', () => {
  function counting(source: Source): Source & { reads: number } {
    return {
      ...source,
      reads: 0,
      read(offset, length) {
        this.reads++
        return source.read(offset, length)
      },
    }
  }

  test('gives what the source gives, whatever the order', async () => {
    const source = cachedSource(memorySource(CONTENT))
    const range = fc
      .tuple(fc.nat(CONTENT.length), fc.nat(140_000))
      .map(([at, length]) => [at, Math.min(length, CONTENT.length - at)] as const)
    await fc.assert(
      fc.asyncProperty(range, async ([offset, length]) => {
        const bytes = await source.read(offset, length)
        expect(Buffer.compare(bytes, CONTENT.subarray(offset, offset + length))).toBe(0)
      }),
    )
  })

  test('reads a page once, for concurrent readers too, and long ranges directly', async () => {
    const inner = counting(memorySource(CONTENT))
    const source = cachedSource(inner)
    await Promise.all([source.read(0, 10), source.read(100, 10), source.read(65_000, 500)])
    expect(inner.reads).toBe(1)
    await source.read(65_530, 10)
    expect(inner.reads).toBe(2)
    await source.read(0, 70_000)
    expect(inner.reads).toBe(3)
  })

  test('keeps a bounded number of pages, the youngest', async () => {
    const inner = counting({ name: 'long', size: 100 << 16, read: async (_, length) => new Uint8Array(length) })
    const source = cachedSource(inner)
    for (let page = 0; page < 64; page++) await source.read(page << 16, 1)
    await source.read(0, 1)
    await source.read(64 << 16, 1)
    expect(inner.reads).toBe(65)
    await source.read(0, 1)
    expect(inner.reads).toBe(65)
    await source.read(1 << 16, 1)
    expect(inner.reads).toBe(66)
  })

  test('a failed read is tried again', async () => {
    let fail = true
    const source = cachedSource({
      name: 'shaky',
      size: 10,
      async read(_, length) {
        if (fail) throw new Error('shaky')
        return new Uint8Array(length)
      },
    })
    await expect(source.read(0, 5)).rejects.toThrow('shaky')
    fail = false
    expect(await source.read(0, 5)).toEqual(new Uint8Array(5))
  })

  test('closing it closes the source', async () => {
    let closed = false
    const close = async (): Promise<void> => {
      closed = true
    }
    await cachedSource({ ...memorySource(CONTENT), close }).close?.()
    expect(closed).toBe(true)
  })
})

describe('urlSource', () => {
  test('fetches only what is read', async () => {
    asked.length = 0
    const source = await urlSource(new URL(`${base}/ranged`))
    await source.read(1000, 24)
    expect(asked).toEqual(['/ranged bytes=0-0', '/ranged bytes=1000-1023'])
  })

  test('an empty file', async () => {
    const source = await urlSource(new URL(`${base}/empty`))
    expect(source.size).toBe(0)
    expect((await readAll(source)).length).toBe(0)
  })

  test.each([
    ['/missing', 'E_IO_NOT_FOUND'],
    ['/broken', 'E_IO_READ'],
    ['/cut', 'E_IO_READ'],
  ])('%s is %s', async (path, code) => {
    await expect(urlSource(new URL(base + path))).rejects.toMatchObject({ code })
  })

  test('a server that is not there', async () => {
    await expect(urlSource(new URL('http://127.0.0.1:1/'))).rejects.toMatchObject({ code: 'E_IO_READ' })
  })

  test('a whole file beyond the limit', async () => {
    await expect(urlSource(new URL(`${base}/whole`), 1000)).rejects.toMatchObject({ code: 'E_LIMIT' })
  })

  test('a file that changes meanwhile', async () => {
    const source = await urlSource(new URL(`${base}/changing`))
    await expect(source.read(0, 10)).rejects.toThrow('changed while it was read')
  })

  test('a server that sends too little', async () => {
    const source = await urlSource(new URL(`${base}/short`))
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
  })
})

test('a Blob whose file is gone is an error of the disk', async () => {
  const blob = new Blob(['abc'])
  blob.slice = () =>
    ({ arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }) as unknown as Blob
  await expect(blobSource(blob).read(0, 3)).rejects.toMatchObject({ code: 'E_IO_READ' })
})
