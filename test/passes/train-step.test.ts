import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/graph/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { trainStep, unpack } from '../../src/passes/index.ts'
import { tensor } from '../../src/tensor/index.ts'
import { runGraph } from './run-graph.ts'

describe('trainStep', () => {
  const feeds = { x: tensor([[1, 2]]), kernel: tensor([[1], [-1]]), bias: tensor([0.5]), spare: tensor([7, 8]) }

  function parts() {
    const b = newBuilder()
    const x = b.input('x', 'float32', [1, 2])
    const kernel = b.input('kernel', 'float32', [2, 1])
    const bias = b.input('bias', 'float32', [1])
    const spare = b.input('spare', 'float32', [2])
    const y = b.op('Add', [b.op('MatMul', [x, kernel]), bias])
    const loss = b.op('ReduceSum', [b.op('Mul', [y, y])], { keepdims: 0 })
    return { b, loss, y, parameters: [kernel, bias, spare] }
  }

  it('gives loss, a gradient for each parameter and the extras, in this order', async () => {
    const { b, loss, y, parameters } = parts()
    const graph = trainStep(b, { loss, parameters, extra: [y, loss] })
    const results = (await runGraph(graph, feeds)).map((result) => result.toArray())
    expect(results).toEqual([0.25, [[-1], [-2]], [-1], [0, 0], [[-0.5]], 0.25])
  })

  it('gives a report in the place of the loss', async () => {
    const { b, loss, parameters } = parts()
    const report = b.op('Concat', [b.op('Reshape', [loss, b.ints([1])]), b.op('Reshape', [loss, b.ints([1])])], {
      axis: 0,
    })
    const [reported, gradient] = await runGraph(trainStep(b, { loss, parameters, report }), feeds)
    expect(reported?.toArray()).toEqual([0.25, 0.25])
    expect(gradient?.toArray()).toEqual([[-1], [-2]])
  })

  it('packs the gradients into one vector and clips them', async () => {
    const { b, loss, parameters } = parts()
    const graph = trainStep(b, { loss, parameters, clip: { clipvalue: 1.5 }, packed: true })
    const [, grads] = await runGraph(graph, feeds)
    expect(grads?.toArray()).toEqual([-1, -1.5, -1, 0, 0])
  })

  it('trains parameters that are cut from one vector', async () => {
    const b = newBuilder()
    const flat = b.input('flat', 'float32', [5])
    const [w, v] = unpack(b, flat, [[2, 2], []]) as [Value, Value]
    const loss = b.op('ReduceSum', [b.op('Mul', [b.op('Mul', [w, w]), v])], { keepdims: 0 })
    const graph = trainStep(b, { loss, parameters: [w, v], packed: true })
    const [value, grads] = await runGraph(graph, { flat: tensor([1, 2, 3, 4, 10]) })
    expect(value?.toArray()).toBe(300)
    expect(grads?.toArray()).toEqual([20, 40, 60, 80, 30])
  })
})
