import { afterEach, describe, expect, it, vi } from 'vitest'

const { loadWasmEngine } = vi.hoisted(() => ({ loadWasmEngine: vi.fn() }))
vi.mock('../../src/runtime/wasm-engine.ts', () => ({ loadWasmEngine }))

describe('the engine of a browser', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
    loadWasmEngine.mockReset()
  })

  it.each([
    { isolated: false, cores: 16, threads: 1 },
    { isolated: true, cores: 1, threads: 1 },
    { isolated: true, cores: 6, threads: 3 },
    { isolated: true, cores: 64, threads: 4 },
  ])('has $threads threads on $cores cores, isolated: $isolated', async ({ isolated, cores, threads }) => {
    vi.stubGlobal('crossOriginIsolated', isolated)
    vi.stubGlobal('navigator', { hardwareConcurrency: cores })
    loadWasmEngine.mockResolvedValue('engine')
    const { loadEngine } = await import('../../src/runtime/web.ts')
    expect(await loadEngine()).toBe('engine')
    expect(await loadEngine()).toBe('engine')
    expect(loadWasmEngine.mock.calls).toEqual([[threads]])
  })

  it('is tried again after a failure', async () => {
    loadWasmEngine.mockRejectedValueOnce(new Error('offline')).mockResolvedValue('engine')
    const { loadEngine } = await import('../../src/runtime/web.ts')
    await expect(loadEngine()).rejects.toThrow('offline')
    expect(await loadEngine()).toBe('engine')
  })
})
