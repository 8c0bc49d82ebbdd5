import { afterEach, describe, expect, it, vi } from 'vitest'
import { allocateParameters } from '../../src/runtime/memory.ts'

describe('allocateParameters', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('lays blocks out alike: aligned, padded, apart', () => {
    const memory = allocateParameters({ shapes: [[3, 5], [], [16], [17]], fills: [0, 0.1] })
    const { wasm } = memory
    if (!wasm) expect.fail('no WebAssembly memory')
    expect(wasm.starts).toEqual([0, 16, 32, 48])
    expect(wasm.length).toBe(80)
    const blocks = [memory.parameters, memory.gradients, ...memory.slots]
    const addresses = [wasm.parameters, wasm.gradients, ...wasm.slots]
    expect(addresses).toEqual([0, 320, 640, 960])
    for (const [k, block] of blocks.entries()) {
      expect(block.map((view) => view.length)).toEqual([15, 1, 16, 17])
      for (const [i, view] of block.entries()) {
        expect(view.buffer).toBe(wasm.memory.buffer)
        expect(view.byteOffset).toBe((addresses[k] as number) + (wasm.starts[i] as number) * 4)
        expect(view.byteOffset % 64).toBe(0)
      }
    }
  })

  it('fills slots with their start, and nothing else', () => {
    const memory = allocateParameters({ shapes: [[3], [2]], fills: [0, 0.1] })
    expect(memory.slots[1]?.map((view) => [...view])).toEqual([
      [0.1, 0.1, 0.1].map(Math.fround),
      [0.1, 0.1].map(Math.fround),
    ])
    for (const block of [memory.parameters, memory.gradients, memory.slots[0] ?? []]) {
      expect(block.every((view) => view.every((x) => x === 0))).toBe(true)
    }
  })

  it('holds no weights at all', () => {
    const memory = allocateParameters({ shapes: [], fills: [0] })
    expect(memory.parameters).toEqual([])
    expect(memory.slots).toEqual([[]])
  })

  it('takes plain arrays where WebAssembly is missing', () => {
    vi.stubGlobal('WebAssembly', undefined)
    const memory = allocateParameters({ shapes: [[2, 2]], fills: [0.5] })
    expect(memory.wasm).toBeNull()
    expect([...(memory.slots[0]?.[0] ?? [])]).toEqual([0.5, 0.5, 0.5, 0.5])
  })

  it('takes plain arrays where the system refuses the memory', () => {
    stubMemory(() => {})
    expect(allocateParameters({ shapes: [[2]], fills: [] }).wasm).toBeNull()
  })

  it('asks for at most 4 GiB less one page, before anything is allocated', () => {
    const asked: number[] = []
    stubMemory((pages) => asked.push(pages))
    vi.stubGlobal(
      'Float32Array',
      Object.assign(function Nothing() {}, { BYTES_PER_ELEMENT: 4 }),
    )
    const floats = (pages: number): number => (pages * 65_536) / 4
    allocateParameters({ shapes: [[floats(65_534) / 2]], fills: [] })
    allocateParameters({ shapes: [[floats(65_536) / 2]], fills: [] })
    expect(asked).toEqual([65_534])
  })
})

/** A system that hears how many pages are wanted and has none. */
function stubMemory(hear: (pages: number) => void): void {
  vi.stubGlobal('WebAssembly', {
    Memory: function Memory({ initial }: { readonly initial: number }) {
      hear(initial)
      throw new RangeError('could not allocate memory')
    },
  })
}
