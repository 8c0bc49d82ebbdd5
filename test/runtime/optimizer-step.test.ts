import { describe, expect, it, vi } from 'vitest'
import { resolveOptimizer } from '../../src/nn/optimizers/index.ts'
import type { JsonObject } from '../../src/nn/types.ts'
import { allocateParameters } from '../../src/runtime/memory.ts'
import { loadEngine } from '../../src/runtime/node.ts'
import { createOptimizerStep, slotFills } from '../../src/runtime/optimizer-step.ts'
import { loadWasmEngine } from '../../src/runtime/wasm-engine.ts'

const SHAPES = [[2, 3], [5]]

function begin(className: string, given: JsonObject) {
  const { def, config } = resolveOptimizer({ class_name: className, config: given })
  const memory = allocateParameters({ shapes: SHAPES, fills: slotFills(def, config) })
  for (const view of memory.parameters) view.fill(1)
  for (const view of memory.gradients) view.fill(0.5)
  return { def, config, memory }
}

describe('createOptimizerStep', () => {
  it.each([true, false])('decays only the weights that it should (kernel: %s)', async (useKernel) => {
    const { def, config, memory } = begin('SGD', { weight_decay: 0.5 })
    const engine = await loadEngine()
    const step = await createOptimizerStep({ engine, def, config, memory, useKernel, decayed: [true, false] })
    await step.apply(1, 0.1)
    const [first, second] = memory.parameters.map(([x]) => x)
    expect(first).toBeCloseTo(1 - 1 * 0.5 * 0.1 - 0.5 * 0.1, 6)
    expect(second).toBeCloseTo(1 - 0.5 * 0.1, 6)
    await step.close()
  })

  it('runs in the graph over plain arrays', async () => {
    vi.stubGlobal('WebAssembly', undefined)
    const { def, config, memory } = begin('Adam', {})
    vi.unstubAllGlobals()
    expect(memory.wasm).toBeNull()
    const step = await createOptimizerStep({ engine: await loadEngine(), def, config, memory })
    expect(step.form).toBe('graph')
    await step.apply(1, 0.1)
    expect(memory.parameters[0]?.[0]).toBeCloseTo(0.9, 5)
    expect(step.slot('momentum', 1)[4]).toBeCloseTo(0.05, 6)
    await step.close()
  })

  it('runs in the graph of the wasm engine, with a promise', async () => {
    const { def, config, memory } = begin('RMSprop', { momentum: 0.9 })
    const step = await createOptimizerStep({ engine: await loadWasmEngine(1), def, config, memory, useKernel: false })
    const done = step.apply(1, 0.1)
    expect(done).toBeInstanceOf(Promise)
    await done
    expect(memory.parameters[1]?.[4]).toBeCloseTo(1 - (0.1 * 0.5) / Math.sqrt(0.1 * 0.25), 4)
    await step.close()
  })

  it('is done with nothing to train', async () => {
    const { def, config } = resolveOptimizer('adam')
    const memory = allocateParameters({ shapes: [], fills: slotFills(def, config) })
    const step = await createOptimizerStep({ engine: await loadEngine(), def, config, memory })
    await step.apply(1, 0.1)
    await step.close()
  })

  it('refuses a memory of another optimizer, and slots that are not there', async () => {
    const { memory } = begin('SGD', {})
    const engine = await loadEngine()
    const { def, config } = resolveOptimizer('adam')
    await expect(createOptimizerStep({ engine, def, config, memory })).rejects.toMatchObject({
      code: 'E_INVALID_STATE',
    })
    const adam = begin('Adam', {})
    const step = await createOptimizerStep({ engine, ...adam })
    expect(() => step.slot('velocity_hat', 0)).toThrow(/no slot velocity_hat of weight 0; expected momentum, velocity/)
    expect(() => step.slot('velocity', 2)).toThrow(/no slot velocity of weight 2/)
  })
})
