import { describe, expect, it } from 'vitest'
import type { Graph } from '../../src/graph/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { chooseThreads, workOf } from '../../src/runtime/threads.ts'

/** Dense layers without activations. */
function dense(batch: number | string, sizes: readonly number[]): Graph {
  const b = newBuilder()
  let h = b.input('x', 'float32', [batch, sizes[0] as number])
  for (const [i, size] of sizes.entries()) {
    const next = sizes[i + 1]
    if (next === undefined) break
    h = b.op('MatMul', [h, b.input(`w${i}`, 'float32', [size, next])])
  }
  return b.build([h])
}

describe('workOf', () => {
  it('counts the multiplications of matrix products', () => {
    expect(workOf(dense(32, [784, 64, 10]))).toBe(32 * (784 * 64 + 64 * 10))
  })

  it('counts a free batch as 32', () => {
    expect(workOf(dense('batch', [784, 64]))).toBe(32 * 784 * 64)
  })

  it('counts Gemm by its inner size, transposed or not', () => {
    const b = newBuilder()
    const plain = b.op('Gemm', [b.input('x', 'float32', [3, 5]), b.input('w', 'float32', [5, 7])])
    expect(workOf(b.build([plain]))).toBe(3 * 5 * 7)
    const t = newBuilder()
    const turned = t.op('Gemm', [t.input('x', 'float32', [5, 3]), t.input('w', 'float32', [5, 7])], { transA: 1 })
    expect(workOf(t.build([turned]))).toBe(3 * 5 * 7)
  })

  it('counts a convolution by its kernel', () => {
    const b = newBuilder()
    const y = b.op('Conv', [b.input('x', 'float32', [2, 3, 8, 8]), b.input('w', 'float32', [4, 3, 3, 3])])
    expect(workOf(b.build([y]))).toBe(2 * 4 * 6 * 6 * (3 * 3 * 3))
  })

  it('counts the body of a Scan once per step', () => {
    const b = newBuilder()
    const state = b.input('s', 'float32', [2, 4])
    const weights = b.input('w', 'float32', [4, 4])
    const body = b.subgraph(
      [
        { dtype: 'float32', shape: [2, 4] },
        { dtype: 'float32', shape: [2, 4] },
      ],
      (inner, [h, x]) => {
        if (!h || !x) expect.fail('two inputs')
        const next = inner.op('MatMul', [inner.op('Add', [h, x]), weights])
        return [next, inner.op('Identity', [next])]
      },
    )
    const outputs = b.ops('Scan', [state, b.input('x', 'float32', [50, 2, 4])], { body, num_scan_inputs: 1 }, 2)
    expect(workOf(b.build(outputs))).toBe(50 * (8 + 2 * 4 * 4 + 8))
  })
})

describe('chooseThreads', () => {
  it('is 1 for small graphs, more for large ones, and never more than there are cores', () => {
    const small = dense(32, [784, 64, 64, 10])
    const middle = dense(128, [784, 512, 512, 10])
    const large = dense(4096, [1024, 1024, 1024])
    expect([small, middle, large].map((graph) => chooseThreads(graph, 16))).toEqual([1, 2, 4])
    expect([small, middle, large].map((graph) => chooseThreads(graph, 2))).toEqual([1, 2, 2])
    expect([small, middle, large].map((graph) => chooseThreads(graph, 1))).toEqual([1, 1, 1])
  })
})
