import { expect } from 'vitest'
import { RekindleError } from '../../src/errors.ts'

/** A small generator with a seed, so that a failure can be repeated (Mulberry32). */
export function randomIntegers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff] as const

/** A copy with one to four bytes changed, a run of bytes filled, or a piece moved. */
export function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const out = bytes.slice()
  const at = random(out.length)
  switch (random(4)) {
    case 0:
      for (let i = random(4); i >= 0; i--) out[random(out.length)] = random(256)
      break
    case 1:
      out[at] = (out[at] as number) ^ (1 << random(8))
      break
    case 2:
      out.fill(EXTREMES[random(EXTREMES.length)] as number, at, at + 1 + random(8))
      break
    default:
      out.copyWithin(random(out.length), at, at + 1 + random(64))
  }
  return out
}

export interface Outcome {
  readonly refused: boolean
}

/** Runs the reader: it may succeed or refuse with a `RekindleError`; anything else fails the test. */
export async function mustNotCrash(what: string, read: () => Promise<unknown>): Promise<Outcome> {
  try {
    await read()
    return { refused: false }
  } catch (error) {
    if (!(error instanceof RekindleError)) expect.fail(`${what}: ${error instanceof Error ? error.stack : error}`)
    expect(error.message).not.toMatch(/undefined|\[object/)
    return { refused: true }
  }
}

/** Fails when the work took more memory than an honest reader of a small file needs. */
export async function withinMemory(megabytes: number, work: () => Promise<void>): Promise<void> {
  const used = (): number => process.memoryUsage().arrayBuffers / 2 ** 20
  const before = used()
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, used())
  }, 5)
  try {
    await work()
  } finally {
    clearInterval(watch)
  }
  expect(Math.max(peak, used()) - before).toBeLessThan(megabytes)
}
