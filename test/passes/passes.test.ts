import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Builder, type Graph, type Node, type OpName, type Value, verify } from '../../src/graph/index.ts'
import { newBuilder, OPS } from '../../src/ops/index.ts'
import { foldConstants, optimizeGraph, removeDeadCode, simplify, substitute } from '../../src/passes/index.ts'
import { Tensor, tensor } from '../../src/tensor/index.ts'
import { runGraph } from './run-graph.ts'

/** Every operator of a graph and its subgraphs, in order. */
function operators(graph: Graph): OpName[] {
  return graph.nodes.flatMap((node) => {
    const inner = Object.values(node.attrs as Record<string, unknown>).filter(
      (a): a is Graph => (a as Graph)?.nodes !== undefined,
    )
    return [node.op, ...inner.flatMap(operators)]
  })
}

function built(
  inputs: Readonly<Record<string, readonly (number | string)[]>>,
  make: (b: Builder, x: readonly Value[]) => readonly Value[],
): Graph {
  const b = newBuilder()
  const values = Object.entries(inputs).map(([name, shape]) => b.input(name, 'float32', shape))
  return b.build(make(b, values))
}

describe('removeDeadCode', () => {
  it('removes nodes, constants and captures that nothing reads, in subgraphs too', () => {
    const b = newBuilder()
    const x = b.input('x', 'float32', [2])
    const flag = b.input('flag', 'bool', [])
    b.op('Exp', [b.scalar(3)])
    const onlyInside = b.op('Tanh', [x])
    const branch = b.subgraph([], (inner) => {
      inner.op('Add', [onlyInside, inner.scalar(9)])
      return [inner.op('Neg', [x])]
    })
    const [y] = b.ops('If', [flag], { then_branch: branch, else_branch: branch })
    const graph = removeDeadCode(b.build([y as Value]))
    expect(operators(graph)).toEqual(['If', 'Neg', 'Neg'])
    expect(graph.constants.size).toBe(0)
  })
})

describe('foldConstants', () => {
  it('computes what constants and shapes say', () => {
    const graph = built({ x: [4, 6] }, (b, [x]) => {
      const shape = b.op('Shape', [x as Value])
      const half = b.op('Div', [shape, b.ints([2])])
      return [
        b.op('Reshape', [
          b.op('Mul', [x as Value, b.op('Neg', [b.scalar(2)])]),
          b.op('Concat', [half, b.ints([-1])], { axis: 0 }),
        ]),
      ]
    })
    const folded = foldConstants(graph)
    verify(folded, OPS)
    expect(operators(folded)).toEqual(['Mul', 'Reshape'])
    expect([...folded.constants.values()].map((c) => c.toArray())).toEqual(
      [-2, [2n, 3n, -1n]].map((c) => expect.toSatisfy((v) => String(v) === String(c))),
    )
  })

  it('keeps an output that turns out constant, under its name', async () => {
    const graph = built({ x: [2] }, (b, [x]) => [b.op('Neg', [b.constant(tensor([1, 2]))]), b.op('Neg', [x as Value])])
    const [constant, rest] = await runGraph(foldConstants(graph), { x: tensor([5, 6]) })
    expect(constant?.toArray()).toEqual([-1, -2])
    expect(rest?.toArray()).toEqual([-5, -6])
  })

  it('makes no large constants', () => {
    const graph = built({ x: [1] }, (b, [x]) => {
      const large = b.op('Expand', [b.scalar(1), b.ints([1000, 1000])])
      return [b.op('Add', [large, x as Value])]
    })
    expect(operators(foldConstants(graph))).toEqual(['Expand', 'Add'])
  })
})

describe('simplify', () => {
  const cases: readonly (readonly [string, (b: Builder, x: Value) => Value, readonly OpName[]])[] = [
    ['an identity', (b, x) => b.op('Identity', [x]), []],
    ['a cast to its own type', (b, x) => b.op('Cast', [x], { to: 1 }), []],
    ['a transposition in place', (b, x) => b.op('Transpose', [x], { perm: [0, 1] }), []],
    ['two transpositions', (b, x) => b.op('Transpose', [b.op('Transpose', [x])]), []],
    ['two reshapes', (b, x) => b.op('Reshape', [b.op('Reshape', [x, b.ints([6])]), b.ints([3, 2])]), ['Reshape']],
    ['a reshape there and back', (b, x) => b.op('Reshape', [b.op('Reshape', [x, b.ints([6])]), b.ints([2, 3])]), []],
    [
      'a reshape that copies a size',
      (b, x) => b.op('Reshape', [b.op('Reshape', [x, b.ints([3, 2])]), b.ints([0, 1, 2])]),
      ['Reshape', 'Reshape'],
    ],
    ['two negations', (b, x) => b.op('Neg', [b.op('Neg', [x])]), []],
    [
      'one, zero and one',
      (b, x) => b.op('Mul', [b.op('Sub', [b.op('Div', [x, b.scalar(1)]), b.scalar(0)]), b.scalar(1)]),
      [],
    ],
    ['a one that broadcasts', (b, x) => b.op('Mul', [x, b.full([2, 2, 3], 1)]), ['Mul']],
    ['a two', (b, x) => b.op('Mul', [x, b.scalar(2)]), ['Mul']],
    ['sums and joins of one', (b, x) => b.op('Concat', [b.op('Sum', [x])], { axis: 0 }), []],
    ['zero before', (b, x) => b.op('Sub', [b.scalar(0), x]), ['Sub']],
  ]
  it.each(cases)('removes %s where that changes nothing', async (_, make, left) => {
    const graph = built({ x: [2, 3] }, (b, [x]) => [b.op('Exp', [make(b, x as Value)])])
    const simple = simplify(graph)
    // A rule may leave a pair that another pass over it removes.
    expect(operators(simplify(simple))).toEqual([...left, 'Exp'])
    const feeds = { x: new Tensor('float32', [2, 3], Float32Array.of(1, -0, 0, Number.NaN, -2, 3)) }
    const [before] = await runGraph(graph, feeds)
    const [after] = await runGraph(simple, feeds)
    expect(after?.data).toEqual(before?.data)
    expect(after?.shape).toEqual(before?.shape)
  })

  it('leaves names and places of outputs alone', async () => {
    const graph = built({ x: [2] }, (b, [x]) => {
      const y = b.op('Identity', [x as Value])
      return [y, b.op('Neg', [b.op('Neg', [y])])]
    })
    const simple = simplify(graph)
    expect(simple.outputs).toEqual(graph.outputs)
    expect((await runGraph(simple, { x: tensor([1, 2]) })).map((y) => y.toArray())).toEqual([
      [1, 2],
      [1, 2],
    ])
  })
})

describe('substitute', () => {
  it('puts other values in place, in subgraphs too', () => {
    const b = newBuilder()
    const [x, z] = [b.input('x', 'float32', [2]), b.input('z', 'float32', [2])]
    const branch = b.subgraph([], (inner) => [inner.op('Neg', [x])])
    const [y] = b.ops('If', [b.input('flag', 'bool', [])], { then_branch: branch, else_branch: branch })
    const graph = substitute(b.build([y as Value, x]), new Map([[x, z]]))
    const [node] = graph.nodes as [Node<'If'>]
    expect(node.attrs.then_branch.captures).toEqual([z])
    expect(graph.outputs[1]).toBe(z)
  })
})

/** A random small graph over two inputs of [2, 3]: each step picks an operator and operands among the values so far. */
const steps = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 14 })
type Step = (b: Builder, x: Value, y: Value) => Value
// No Cast to float32: ONNX Runtime 1.30 drops a chain of such casts and loses the value that a subgraph captures.
const STEPS: readonly Step[] = [
  (b, x, y) => b.op('Add', [x, y]),
  (b, x, y) => b.op('Sub', [x, y]),
  (b, x, y) => b.op('Mul', [x, y]),
  (b, x) => b.op('Neg', [x]),
  (b, x) => b.op('Tanh', [x]),
  (b, x) => b.op('Relu', [x]),
  (b, x) => b.op('Identity', [x]),
  (b, x) => b.op('Mul', [x, b.scalar(1)]),
  (b) => b.full([2, 3], 0.5),
  (b, x) => b.op('Transpose', [b.op('Reshape', [x, b.ints([3, 2])])]),
  (b, x) => b.op('Transpose', [b.op('Transpose', [x], { perm: [1, 0] })]),
  (b, x) => b.op('Reshape', [b.op('Reshape', [x, b.op('Shape', [b.op('Transpose', [x])])]), b.ints([2, 3])]),
  (b, x, y) => {
    const flag = b.op('Greater', [b.op('ReduceSum', [x], { keepdims: 0 }), b.scalar(0)])
    const then_branch = b.subgraph([], (inner) => [
      inner.op('Neg', [inner.op('Neg', [inner.op('Add', [x, inner.op('Exp', [inner.scalar(0)])])])]),
    ])
    const else_branch = b.subgraph([], (inner) => [inner.op('Identity', [y])])
    return b.op('If', [flag], { then_branch, else_branch })
  },
]

function randomGraph(picks: readonly (readonly [number, number, number])[]): Graph {
  return built({ x: [2, 3], y: [2, 3] }, (b, inputs) => {
    const values = [...inputs]
    for (const [op, first, second] of picks) {
      const pick = (n: number): Value => values[values.length - 1 - (n % values.length)] as Value
      values.push((STEPS[op % STEPS.length] as Step)(b, pick(first), pick(second)))
    }
    const made = new Set(b.nodes.flatMap((node) => node.outputs))
    const outputs = values.slice(-2).filter((value) => made.has(value))
    return outputs.length > 0 ? [...new Set(outputs)] : [b.op('Identity', [inputs[0] as Value])]
  })
}

describe('every pass on random graphs', () => {
  const passes: readonly (readonly [string, (graph: Graph) => Graph, number])[] = [
    ['removeDeadCode', removeDeadCode, 0],
    ['simplify', simplify, 0],
    // Folding computes in double precision and rounds once.
    ['foldConstants', foldConstants, 1e-6],
    ['optimizeGraph', optimizeGraph, 1e-6],
  ]
  it.each(passes)('%s keeps the outputs', async (_, pass, tolerance) => {
    const feeds = {
      x: tensor([0.5, -1.25, 2, -0, 3.5, -0.75], { shape: [2, 3] }),
      y: tensor([-1, 0.25, 0, 4, -2.5, 1], { shape: [2, 3] }),
    }
    await fc.assert(
      fc.asyncProperty(steps, async (picks) => {
        const graph = randomGraph(picks)
        const passed = pass(graph)
        expect(passed.outputs.map(({ name }) => name)).toEqual(graph.outputs.map(({ name }) => name))
        const [before, after] = [await runGraph(graph, feeds), await runGraph(passed, feeds)]
        for (const [i, expected] of before.entries()) {
          const actual = after[i] as Tensor
          expect(actual.shape).toEqual(expected.shape)
          for (const [at, y] of Array.from(expected.data as Float32Array).entries()) {
            const difference = Math.abs((actual.data[at] as number) - y)
            expect(difference <= tolerance * (1 + Math.abs(y)) || Object.is(actual.data[at], y)).toBe(true)
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})
