import { describe, expect, it } from 'vitest'
import { type Graph, inline, type Node, printGraph, type Value, verify } from '../../src/graph/index.ts'
import { newBuilder, OPS } from '../../src/ops/index.ts'
import { Tensor, tensor } from '../../src/tensor/index.ts'

const invalidGraph = (message: RegExp) =>
  expect.objectContaining({ code: 'E_INVALID_GRAPH', message: expect.stringMatching(message) })

/** A dense layer under an If whose branches capture outer values. */
function sample(): Graph {
  const b = newBuilder()
  const x = b.input('x', 'float32', ['batch', 3])
  const kernel = b.constant(new Tensor('float32', [2, 3], new Float32Array(6)), 'kernel')
  const y = b.op('Gemm', [x, kernel], { transB: 1 })
  const flag = b.input('flag', 'bool', [])
  const then_branch = b.subgraph([], (inner) => [inner.op('Mul', [y, inner.scalar(2)])])
  const else_branch = b.subgraph([], (inner) => [inner.op('Neg', [y])])
  return b.build([b.op('If', [flag], { then_branch, else_branch })])
}

describe('printGraph', () => {
  it('shows a line for each node and subgraphs below their node', () => {
    expect(printGraph(sample(), OPS)).toBe(
      [
        'graph(x: float32[batch, 3], flag: bool[]):',
        '  kernel: float32[2, 3] = constant [[0,0,0],[0,0,0]]',
        '  v2: float32[batch, 2] = Gemm(x, kernel) {transB: 1}',
        '  v7: float32[batch, 2] = If(flag)',
        '    then_branch() captures v2:',
        '      v4: float32[] = constant 2',
        '      v5: float32[batch, 2] = Mul(v2, v4)',
        '      return v5',
        '    else_branch() captures v2:',
        '      v6: float32[batch, 2] = Neg(v2)',
        '      return v6',
        '  return v7',
      ].join('\n'),
    )
  })
})

describe('verify', () => {
  it('accepts what the builder makes', () => {
    expect(() => verify(sample(), OPS)).not.toThrow()
  })

  const graph = sample()
  const [gemm, branch] = graph.nodes as readonly [Node, Node]
  const [x, flag] = graph.inputs as readonly [Value, Value]
  const y = gemm.outputs[0] as Value
  const stranger: Value = { id: 900, name: 'stranger', dtype: 'float32', shape: [2] }
  const { then_branch } = branch.attrs as { then_branch: Graph }
  const withThen = (then: Partial<Graph>): Graph => {
    const attrs = { ...branch.attrs, then_branch: { ...then_branch, ...then } } as Node['attrs']
    return { ...graph, nodes: [gemm, { ...branch, attrs }] }
  }
  const wrong: readonly (readonly [string, Graph, RegExp])[] = [
    ['nodes out of order', { ...graph, nodes: [branch, gemm] }, /If -> .*reads v2/],
    [
      'an input from nowhere',
      { ...graph, nodes: [{ ...gemm, inputs: [x, stranger] }, branch] },
      /Gemm -> v2: reads stranger/,
    ],
    ['an output from nowhere', { ...graph, outputs: [stranger] }, /reads stranger/],
    ['a captured value at the top', { ...graph, captures: [stranger] }, /captures stranger/],
    [
      'a type that is not inferred',
      { ...graph, nodes: [{ ...gemm, outputs: [{ ...y, shape: ['batch', 3] }] }, branch] },
      /v2/,
    ],
    ['too few inputs', { ...graph, nodes: [{ ...gemm, inputs: [x] }, branch] }, /Gemm -> v2: number of inputs/],
    [
      'a missing output',
      { ...graph, nodes: [{ ...gemm, outputs: [] }, branch], outputs: [x] },
      /number of outputs; expected 1, received 0/,
    ],
    ['one id twice', { ...graph, inputs: [x, { ...flag, id: x.id }] }, /id 0 of flag is given twice/],
    ['one name twice', { ...graph, inputs: [x, { ...flag, name: 'x' }] }, /name x is given twice/],
    [
      'a constant of another shape',
      { ...graph, constants: new Map([[stranger, tensor([1, 2, 3])]]) },
      /constant stranger/,
    ],
    ['a missing capture', withThen({ captures: [] }), /v2, which is not among the captures/],
    ['a capture that is not read', withThen({ captures: [y, x] }), /capture x is never read/],
    ['a capture listed twice', withThen({ captures: [y, y] }), /listed twice/],
    ['nodes out of order inside', withThen({ nodes: [], outputs: [stranger] }), /reads stranger/],
  ]
  it.each(wrong)('refuses %s', (_, bad, message) => {
    expect(() => verify(bad, OPS)).toThrow(invalidGraph(message))
  })
})

describe('inline', () => {
  it('copies a graph with its subgraphs into a builder, with new values', () => {
    const b = newBuilder()
    const first = b.input('first', 'float32', [5, 3])
    const flag = b.input('flag', 'bool', [])
    const once = inline(b, sample(), [first, flag])
    const [y] = once.outputs as [Value]
    expect(y.shape).toEqual([5, 2])
    const twice = inline(b, sample(), [first, flag])
    const graph = b.build([b.op('Add', [y, twice.outputs[0] as Value])])
    expect(() => verify(graph, OPS)).not.toThrow()
    expect(graph.nodes.map((node) => node.op)).toEqual(['Gemm', 'If', 'Gemm', 'If', 'Add'])
  })

  it('refuses another number of inputs', () => {
    const b = newBuilder()
    expect(() => inline(b, sample(), [])).toThrow(invalidGraph(/number of inputs/))
  })
})

describe('Builder', () => {
  it('leaves a built graph as it was when more is built', () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [2])
    const graph = b.build([b.op('Neg', [x])])
    b.op('Abs', [x])
    b.scalar(3)
    expect(graph.nodes).toHaveLength(1)
    expect(graph.constants.size).toBe(0)
  })

  it('casts half-precision scalars instead of taking a number for its bits', () => {
    const b = newBuilder()
    expect(b.scalar(1, 'float16')).toMatchObject({ dtype: 'float16', shape: [] })
    expect(b.full([2], 1, 'bfloat16')).toMatchObject({ dtype: 'bfloat16', shape: [2] })
    expect(b.nodes.map((node) => node.op)).toEqual(['Cast', 'Cast'])
  })

  it('refuses to extend a node of another graph', () => {
    const b = newBuilder()
    b.op('Neg', [b.input('x', 'float32', [2])])
    const [node] = b.nodes as [Node]
    expect(() => newBuilder().extend(node, node.attrs, 1)).toThrow(invalidGraph(/does not belong/))
  })
})
