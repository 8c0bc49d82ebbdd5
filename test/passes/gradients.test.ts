import { describe, expect, it } from 'vitest'
import type { Builder, Value } from '../../src/graph/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients, pullback, zeroGradients } from '../../src/passes/index.ts'
import { tensor } from '../../src/tensor/index.ts'
import { runGraph } from './run-graph.ts'

const sum = (b: Builder, x: Value): Value => b.op('ReduceSum', [x], { keepdims: 0 })

describe('gradients', () => {
  it('sums what arrives on several paths and undoes broadcasting', async () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [2, 3])
    const row = b.input('row', 'float32', [3])
    const column = b.input('column', 'float32', [2, 1])
    // Σ (x + row)·column + x + x: dx = column + 2, drow = Σ column, dcolumn = Σ over the row.
    const y = b.op('Add', [b.op('Mul', [b.op('Add', [x, row]), column]), b.op('Add', [x, x])])
    const grads = zeroGradients(b, gradients(b, sum(b, y), [x, row, column]), [x, row, column])
    expect(grads.map((g) => g.shape)).toEqual([[2, 3], [3], [2, 1]])
    const feeds = {
      x: tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      row: tensor([10, 20, 30]),
      column: tensor([[2], [3]]),
    }
    const results = await runGraph(b.build(grads), feeds)
    expect(results.map((result) => result.toArray())).toEqual([
      [
        [4, 4, 4],
        [5, 5, 5],
      ],
      [5, 5, 5],
      [[66], [75]],
    ])
  })

  it('adds three paths with one Sum', () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [2])
    const y = b.op('Sum', [b.op('Neg', [x]), b.op('Exp', [x]), b.op('Tanh', [x])])
    gradients(b, sum(b, y), [x])
    expect(b.nodes.at(-1)?.op).toBe('Sum')
    expect(b.nodes.at(-1)?.inputs).toHaveLength(3)
  })

  it('gives null where the loss does not depend on a value, and nothing is built for it', () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [2])
    const unused = b.input('unused', 'float32', [4])
    const whole = b.input('whole', 'int64', [2])
    const loss = sum(b, b.op('Mul', [x, b.op('Cast', [whole], { to: 1 })]))
    const before = b.nodes.length
    expect(gradients(b, loss, [unused, whole])).toEqual([null, null])
    expect(b.nodes.length).toBe(before)
    const [zeros] = zeroGradients(b, [null], [unused])
    expect(zeros?.shape).toEqual([4])
  })

  it('builds only what is asked for', () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [5, 4])
    const kernel = b.input('kernel', 'float32', [4, 3])
    const loss = sum(b, b.op('MatMul', [x, kernel]))
    const before = b.nodes.length
    gradients(b, loss, [kernel])
    const forOne = b.nodes.length - before
    gradients(b, loss, [kernel, x])
    expect(b.nodes.length - before - forOne).toBeGreaterThan(forOne)
  })

  it('carries half-precision gradients', async () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [3])
    const half = b.op('Cast', [x], { to: 10 })
    const loss = sum(b, b.op('Mul', [half, half]))
    const [dHalf, dx] = gradients(b, loss, [half, x]) as [Value, Value]
    expect([loss.dtype, dHalf.dtype, dx.dtype]).toEqual(['float16', 'float16', 'float32'])
    const [result] = await runGraph(b.build([dx]), { x: tensor([1, 2, -3]) })
    expect(result?.toArray()).toEqual([2, 4, -6])
  })

  it('keeps a symbolic batch', () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', ['batch', 4])
    const kernel = b.input('kernel', 'float32', [4, 3])
    const bias = b.input('bias', 'float32', [3])
    const y = b.op('Add', [b.op('MatMul', [x, kernel]), bias])
    const grads = gradients(b, b.op('Tanh', [y]), [kernel, bias, x])
    expect(grads.map((g) => g?.shape)).toEqual([[4, 3], [3], ['batch', 4]])
  })

  it('names the operator that has no gradient, only where one is needed through it', () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [4])
    const w = b.input('w', 'float32', [4])
    const table = { ...b.table, Tanh: { ...b.table.Tanh, grad: 'none' } } as const
    Object.defineProperty(b, 'table', { value: table })
    const loss = sum(b, b.op('Mul', [b.op('Tanh', [x]), w]))
    expect(() => gradients(b, loss, [w])).not.toThrow()
    expect(() => gradients(b, loss, [x])).toThrow(
      expect.objectContaining({ code: 'E_UNSUPPORTED_OP', message: expect.stringMatching(/Tanh/) }),
    )
  })

  it('refuses a loss of integers', () => {
    const b = newBuilder()
    const x = b.input('x', 'int64', [])
    expect(() => gradients(b, x, [x])).toThrow(expect.objectContaining({ code: 'E_INVALID_DTYPE' }))
  })

  it('differentiates gradients again', async () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [3])
    const cube = b.op('Mul', [b.op('Mul', [x, x]), x])
    const [first] = gradients(b, sum(b, cube), [x]) as [Value]
    const [second] = gradients(b, sum(b, first), [x]) as [Value]
    const [result] = await runGraph(b.build([second]), { x: tensor([1, 2, -3]) })
    expect(result?.toArray()).toEqual([6, 12, -18])
  })
})

describe('pullback', () => {
  it('takes a gradient for each output and goes through intermediate values', async () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [2])
    const square = b.op('Mul', [x, x])
    const double = b.op('Add', [square, square])
    const [dx, dSquare] = pullback(b, [double, square], [b.constant(tensor([1, 10])), null], [x, square])
    const results = await runGraph(b.build([dx as Value, dSquare as Value]), { x: tensor([3, 5]) })
    expect(results.map((result) => result.toArray())).toEqual([
      [12, 200],
      [2, 20],
    ])
  })
})
