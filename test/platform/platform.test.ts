import { deflateRawSync, deflateSync, crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import * as node from '../../src/platform/node.ts'
import * as web from '../../src/platform/web.ts'

test('both platforms export the same names', () => {
  expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort())
  expect(Object.keys(web.default).sort()).toEqual(Object.keys(node.default).sort())
})

describe.each([
  ['node', node],
  ['web', web],
])('%s', (_, platform) => {
  const inflaters = [
    ['inflateRaw', platform.inflateRaw, deflateRawSync],
    ['inflateZlib', platform.inflateZlib, deflateSync],
  ] as const

  test.each(inflaters)('%s gives back what zlib compressed', async (_, inflate, deflate) => {
    for (const length of [0, 1, 1000, 65_536, 65_537, 3_000_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * i) >> 5)
      const inflated = await inflate(deflate(bytes), length)
      expect(Buffer.compare(inflated, bytes)).toBe(0)
      expect(inflated.constructor).toBe(Uint8Array)
    }
  })

  test.each(inflaters)('%s refuses a length that is not the declared one', async (_, inflate, deflate) => {
    for (const length of [100, 200_000]) {
      const compressed = deflate(new Uint8Array(length))
      await expect(inflate(compressed, length - 1)).rejects.toMatchObject({ code: 'E_LIMIT' })
      await expect(inflate(compressed, 0)).rejects.toMatchObject({ code: 'E_LIMIT' })
      await expect(inflate(compressed, length + 1)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
    }
  })

  test.each(inflaters)('%s refuses what is cut off or corrupt', async (_, inflate, deflate) => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) >> 3)
    const compressed = deflate(bytes)
    const cutOff = platform.default === node.default ? 'E_TRUNCATED' : 'E_INVALID_DATA'
    await expect(inflate(compressed.subarray(0, -10), 5000)).rejects.toMatchObject({ code: cutOff })
    await expect(inflate(new Uint8Array(0), 10)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
    await expect(inflate(new Uint8Array(500).fill(0xff), 500)).rejects.toMatchObject({ code: 'E_INVALID_DATA' })
  })

  test('a declared length beyond what deflate can reach is refused before it is allocated', async () => {
    const compressed = deflateRawSync(new Uint8Array(1000))
    await expect(platform.inflateRaw(compressed, 2 ** 40)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
  })

  test('crc32 is zlib’s, in one piece and in several', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const whole = zlibCrc32(bytes)
        expect(platform.crc32(bytes)).toBe(whole)
        expect(platform.crc32(bytes.subarray(cut), platform.crc32(bytes.subarray(0, cut)))).toBe(whole)
      }),
    )
    expect(platform.crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    expect(platform.crc32(new Uint8Array(new ArrayBuffer(0)), 0xcbf43926)).toBe(0xcbf43926)
  })

  test('clock, cores, seed and tasks', async () => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 3 })
    const start = platform.now()
    let ran = false
    setTimeout(() => {
      ran = true
    }, 0)
    while (!ran && platform.now() - start < 5000) await platform.yieldToEventLoop()
    expect(ran).toBe(true)
    expect(platform.now()).toBeGreaterThan(start)
    expect(platform.coreCount()).toBeGreaterThanOrEqual(1)
    const seeds = new Set(Array.from({ length: 8 }, () => platform.randomSeed()))
    expect(seeds.size).toBeGreaterThan(6)
    for (const seed of seeds) expect(seed >>> 0).toBe(seed)
  })

  test('what is known about a terminal that is none', () => {
    expect(web.terminal()).toEqual({ isTTY: false, columns: 80, color: false })
    if (!process.stdout.isTTY) expect(node.terminal('stdout')).toEqual(web.terminal())
  })
})

test('a browser says what to do instead of using a path', async () => {
  await expect(web.openPath('model.h5')).rejects.toMatchObject({ code: 'E_UNSUPPORTED_PLATFORM', where: 'model.h5' })
  await expect(web.writeAtomically('model.h5')).rejects.toThrow('toBytes')
  await expect(web.checkWritable('model.h5')).rejects.toMatchObject({ code: 'E_UNSUPPORTED_PLATFORM' })
})
