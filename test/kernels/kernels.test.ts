import { afterEach, describe, expect, it, vi } from 'vitest'
import { KERNEL_SIGNATURES, loadKernels } from '../../src/kernels/index.ts'
import { OPTIMIZERS, optimizerVariables, resolveOptimizer } from '../../src/nn/optimizers/index.ts'
import type { JsonObject } from '../../src/nn/types.ts'
import { allocateParameters } from '../../src/runtime/memory.ts'
import { loadEngine } from '../../src/runtime/node.ts'
import { createOptimizerStep, slotFills } from '../../src/runtime/optimizer-step.ts'

/** Every variant of every optimizer that has a kernel. */
const VARIANTS: readonly (readonly [className: string, config: JsonObject])[] = [
  ['SGD', {}],
  ['SGD', { momentum: 0.9 }],
  ['SGD', { momentum: 0.9, nesterov: true }],
  ['RMSprop', {}],
  ['RMSprop', { momentum: 0.7 }],
  ['RMSprop', { centered: true }],
  ['RMSprop', { centered: true, momentum: 0.7 }],
  ['RMSprop', { legacy: true }],
  ['RMSprop', { legacy: true, centered: true }],
  ['Adagrad', {}],
  ['Adagrad', { legacy: true }],
  ['Adam', {}],
  ['Adam', { amsgrad: true }],
]

/** Odd, below, at and above the width of a vector and of a padding. */
const SHAPES = [[1], [3, 1], [4], [5], [7, 11], [16], [17], [1023]]

/** Reproducible numbers over several magnitudes, zeros among them. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Float32Array.from({ length: count }, () =>
    next() < 0.05 ? 0 : (next() - 0.5) * 10 ** Math.floor(next() * 6 - 4),
  )
}

const bits = (view: Float32Array): Int32Array => new Int32Array(view.slice().buffer)

async function run(className: string, given: JsonObject, useKernel: boolean, steps = 6) {
  const { def, config } = resolveOptimizer({ class_name: className, config: given })
  const memory = allocateParameters({ shapes: SHAPES, fills: slotFills(def, config) })
  const step = await createOptimizerStep({ engine: await loadEngine(), def, config, memory, useKernel })
  expect(step.form).toBe(useKernel ? 'kernel' : 'graph')
  for (const [i, view] of memory.parameters.entries()) view.set(numbers(view.length, 77 + i))
  for (let t = 1; t <= steps; t++) {
    for (const [i, view] of memory.gradients.entries()) view.set(numbers(view.length, 1000 * t + i))
    await step.apply(t, 0.01 / t)
  }
  await step.close()
  return { memory, variables: optimizerVariables({ def, config }, SHAPES.length), step }
}

describe('kernels give the bits of the in-graph form', () => {
  it.each(VARIANTS)('%s %j', async (className, given) => {
    for (const more of [{}, { weight_decay: 0.02 }]) {
      const kernel = await run(className, { ...given, ...more }, true)
      const graph = await run(className, { ...given, ...more }, false)
      for (const [i, view] of kernel.memory.parameters.entries()) {
        expect(bits(view), `weight ${i}`).toEqual(bits(graph.memory.parameters[i] as Float32Array))
      }
      for (const { slot, weight } of kernel.variables) {
        expect(bits(kernel.step.slot(slot, weight)), slot).toEqual(bits(graph.step.slot(slot, weight)))
      }
    }
  })

  it('are all tried above', () => {
    const tried = VARIANTS.map(([className, given]) => {
      const { def, config } = resolveOptimizer({ class_name: className, config: given })
      return def.kernel?.(config).name
    })
    expect([...tried, 'decay'].sort()).toEqual(Object.keys(KERNEL_SIGNATURES).sort())
  })

  it('take as many pointers and scalars as the records give', () => {
    for (const def of Object.values(OPTIMIZERS)) {
      for (const [, given] of VARIANTS.filter(([className]) => className === def.className)) {
        const { config } = resolveOptimizer({ class_name: def.className, config: given })
        const call = def.kernel?.(config)
        const signature = KERNEL_SIGNATURES[call?.name as keyof typeof KERNEL_SIGNATURES]
        expect(signature.pointers.length).toBe(2 + (call?.slots.length ?? 0))
        expect(signature.scalars.length).toBe(call?.scalars(1, 0.1).length)
      }
    }
  })
})

describe('slots that decay', () => {
  it.each([
    ['Adam', {}, ['momentum']],
    ['SGD', { momentum: 0.9 }, ['momentum']],
    ['RMSprop', { centered: true, momentum: 0.7 }, ['velocity', 'momentum', 'average_gradient']],
  ] as const)('%s: numbers below the normal range become 0, in both forms', async (className, given, slots) => {
    for (const useKernel of [true, false]) {
      const { def, config } = resolveOptimizer({ class_name: className, config: given })
      const memory = allocateParameters({ shapes: [[21]], fills: slotFills(def, config) })
      const step = await createOptimizerStep({ engine: await loadEngine(), def, config, memory, useKernel })
      for (const name of slots) step.slot(name, 0).set([3e-38, 1.2e-38, 1e-40, Number.NaN])
      for (let t = 1; t <= 20; t++) await step.apply(t, 0.01)
      for (const name of slots) expect([...step.slot(name, 0)]).toEqual([0, 0, 0, Number.NaN, ...Array(17).fill(0)])
      await step.close()
    }
  })
})

describe('kernels', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    vi.resetModules()
  })

  it('keep paddings at zero and touch nothing outside their block', async () => {
    const { memory } = await run('Adam', { weight_decay: 0.1 }, true)
    const { memory: wasm, length, starts } = memory.wasm ?? expect.fail('no WebAssembly')
    const block = new Float32Array(wasm.buffer, 0, length)
    for (const [i, start] of starts.entries()) {
      const end = start + (memory.parameters[i]?.length ?? 0)
      expect(block.subarray(end, starts[i + 1] ?? length).every((x) => x === 0)).toBe(true)
    }
    const rest = new Float32Array(wasm.buffer, 4 * length * 4)
    expect(rest.every((x) => x === 0)).toBe(true)
  })

  it('round the length up to one vector and no further', async () => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const numbers = new Float32Array(memory.buffer).fill(1)
    const kernels = await loadKernels(memory)
    kernels?.run('sgd', [16, 4096], 5, [0.5])
    expect([...numbers.subarray(0, 16)]).toEqual([1, 1, 1, 1, ...Array(8).fill(0.5), 1, 1, 1, 1])
  })

  it('are absent, without an error, where SIMD is missing', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
    vi.resetModules()
    const fresh = await import('../../src/kernels/index.ts')
    expect(await fresh.loadKernels(new WebAssembly.Memory({ initial: 1 }))).toBeNull()
  })
})
