import { describe, expect, it } from 'vitest'
import type { RekindleError } from '../../src/errors.ts'
import type { Builder, Dim, Value } from '../../src/graph/index.ts'
import { addDims, broadcastShapes, divideDims, joinDims, multiplyDims, UNKNOWN } from '../../src/ops/dims.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients } from '../../src/passes/index.ts'
import { tensor } from '../../src/tensor/index.ts'
import { numbersOf, runGraph } from './run.ts'

type Build = (b: Builder, ...x: readonly Value[]) => Value

const of =
  (...shapes: readonly (readonly Dim[])[]) =>
  (b: Builder): readonly Value[] =>
    shapes.map((shape, i) => b.input(`x${i}`, 'float32', shape))

describe('sizes', () => {
  it.each<readonly [Dim, Dim]>([
    [multiplyDims(['batch', 28, 28]), '784*batch'],
    [multiplyDims(['b', 'a', 2]), '2*a*b'],
    [multiplyDims(['past+step', 2, 'a']), '2*a*past+2*a*step'],
    [multiplyDims(['batch', 0]), 0],
    [multiplyDims(['batch', UNKNOWN]), UNKNOWN],
    [multiplyDims([]), 1],
    [addDims(['step', 1, 'past', 2]), 'past+step+3'],
    [addDims(['n', 'n']), '2*n'],
    [addDims([2, 3]), 5],
    [addDims(['floor(n/2)', 1]), 'floor(n/2)+1'],
  ])('%s is %s', (found, expected) => expect(found).toBe(expected))

  it.each<readonly [Dim, Dim, Dim | null]>([
    ['784*batch', 784, 'batch'],
    ['784*batch', 'batch', 784],
    ['784*batch', 14, '56*batch'],
    ['784*batch', 5, null],
    ['784*batch', 'time', null],
    ['2*a+4*b', 2, 'a+2*b'],
    [12, 4, 3],
    [12, 0, null],
    [UNKNOWN, 2, null],
    ['a', 'a', 1],
  ])('%s / %s is %s', (total, by, expected) => expect(divideDims(total, by)).toBe(expected))

  it('joins sizes that must be equal', () => {
    expect(joinDims('batch', 3)).toBe(3)
    expect(joinDims(UNKNOWN, 'batch')).toBe('batch')
    expect(joinDims('a', 'b')).toBe('a')
    expect(joinDims(2, 3)).toBeUndefined()
  })

  it('broadcasts names as numpy does numbers', () => {
    expect(broadcastShapes([['batch', 3], [1], []])).toEqual(['batch', 3])
    expect(broadcastShapes([['batch'], [5]])).toEqual([5])
    expect(broadcastShapes([['a'], ['b']])).toEqual([UNKNOWN])
    expect(broadcastShapes([[UNKNOWN], [UNKNOWN]])).toEqual([UNKNOWN])
    expect(broadcastShapes([[2, 3], [2]])).toBeUndefined()
  })
})

describe('symbolic shapes', () => {
  it.each<readonly [string, (b: Builder) => readonly Value[], Build, readonly Dim[]]>([
    ['a dense layer', of(['batch', 4], [4, 3]), (b, x, w) => b.op('MatMul', [x, w]), ['batch', 3]],
    ['Gemm', of([4, 'batch'], [3, 4]), (b, x, w) => b.op('Gemm', [x, w], { transA: 1, transB: 1 }), ['batch', 3]],
    ['flattening images', of(['batch', 28, 28, 1]), (b, x) => b.op('Reshape', [x, b.ints([-1, 784])]), ['batch', 784]],
    [
      'splitting heads',
      of(['batch', 'time', 64]),
      (b, x) => b.op('Reshape', [x, b.ints([0, 0, 8, -1])]),
      ['batch', 'time', 8, 8],
    ],
    ['an unknown axis kept', of([UNKNOWN, 6]), (b, x) => b.op('Reshape', [x, b.ints([0, 2, -1])]), [UNKNOWN, 2, 3]],
    ['all in one', of(['batch', 'time', 2]), (b, x) => b.op('Flatten', [x], { axis: 2 }), ['batch*time', 2]],
    [
      'Concat along a name',
      of(['past', 2], ['step', 2]),
      (b, x, y) => b.op('Concat', [x, y], { axis: 0 }),
      ['past+step', 2],
    ],
    ['Concat of rows', of(['batch', 2], ['batch', 3]), (b, x, y) => b.op('Concat', [x, y], { axis: -1 }), ['batch', 5]],
    [
      'Slice of a known axis',
      of(['batch', 5]),
      (b, x) => b.op('Slice', [x, b.ints([1]), b.ints([-1]), b.ints([1])]),
      ['batch', 3],
    ],
    [
      'Slice of a named axis',
      of(['batch', 5]),
      (b, x) => b.op('Slice', [x, b.ints([1]), b.ints([9]), b.ints([0])]),
      [UNKNOWN, 5],
    ],
    [
      'Gather',
      of(['batch', 5, 'time']),
      (b, x) => b.op('Gather', [x, b.scalar(-1, 'int64')], { axis: 1 }),
      ['batch', 'time'],
    ],
    [
      'mean over time',
      of(['batch', 'time', 5]),
      (b, x) => b.op('ReduceMean', [x, b.ints([1])], { keepdims: 0 }),
      ['batch', 5],
    ],
    [
      'Conv',
      of(['batch', 3, 28, 28], [8, 3, 3, 3]),
      (b, x, w) => b.op('Conv', [x, w], { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
      ['batch', 8, 14, 14],
    ],
    [
      'MaxPool',
      of(['batch', 3, 7, 7]),
      (b, x) => b.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] }),
      ['batch', 3, 3, 3],
    ],
    [
      'MaxPool, rounded up',
      of(['batch', 3, 7, 7]),
      (b, x) => b.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
      ['batch', 3, 4, 4],
    ],
    [
      'Einsum',
      of(['batch', 'q', 8], ['batch', 'k', 8]),
      (b, x, y) => b.op('Einsum', [x, y], { equation: 'bqd,bkd->bqk' }),
      ['batch', 'q', 'k'],
    ],
    ['Tile', of(['batch', 2]), (b, x) => b.op('Tile', [x, b.ints([3, 2])]), ['3*batch', 4]],
    [
      'Range',
      of(['batch', 2]),
      (b, x) =>
        b.op('Range', [
          b.scalar(0, 'int64'),
          b.op('Squeeze', [b.op('Shape', [x], { end: 1 }), b.ints([0])]),
          b.scalar(1, 'int64'),
        ]),
      ['batch'],
    ],
  ])('%s', (_, inputs, build, expected) => {
    const b = newBuilder()
    expect(build(b, ...inputs(b)).shape).toEqual(expected)
  })

  it('follows shapes that the graph itself computes', () => {
    const b = newBuilder()
    const [x] = of(['batch', 'time', 6])(b) as [Value]
    const shape = b.op('Shape', [x])
    const rows = b.op('Mul', [
      b.op('Gather', [shape, b.scalar(0, 'int64')]),
      b.op('Gather', [shape, b.scalar(1, 'int64')]),
    ])
    const target = b.op('Concat', [b.op('Unsqueeze', [rows, b.ints([0])]), b.ints([6])], { axis: 0 })
    expect(target.content).toEqual(['batch*time', 6])
    const flat = b.op('Reshape', [x, target])
    expect(flat.shape).toEqual(['batch*time', 6])
    const head = b.op('Slice', [shape, b.ints([0]), b.ints([2])])
    expect(b.op('Reshape', [flat, b.op('Concat', [head, b.ints([3, 2])], { axis: 0 })]).shape).toEqual([
      'batch',
      'time',
      3,
      2,
    ])
    expect(b.op('Expand', [b.scalar(0), b.op('Cast', [b.op('Cast', [shape], { to: 6 })], { to: 7 })]).shape).toEqual(
      x.shape,
    )
  })

  it('computes with concrete shapes as numbers', () => {
    const b = newBuilder()
    const [x] = of([6, 4])(b) as [Value]
    const [rows, columns] = b.ops('Split', [b.op('Shape', [x])], { num_outputs: 2 }, 2) as [Value, Value]
    expect(rows.content).toBeUndefined()
    const size = b.op('Div', [b.op('Size', [x]), b.scalar(-3, 'int64')])
    expect(size.content).toEqual([-8])
    expect(b.op('ConstantOfShape', [b.op('Neg', [b.op('Reshape', [size, b.ints([1])])])]).shape).toEqual([8])
    expect(columns.shape).toEqual([1])
  })

  it('differentiates a layer whose batch is a name', async () => {
    const b = newBuilder()
    const [x, w, bias] = of(['batch', 2], [2, 3], [3])(b) as [Value, Value, Value]
    const y = b.op('Relu', [b.op('Add', [b.op('MatMul', [x, w]), bias])])
    const loss = b.op('ReduceMean', [y], { keepdims: 0 })
    const grads = gradients(b, loss, [x, w, bias]) as Value[]
    expect(grads.map(({ shape }) => shape)).toEqual([['batch', 2], [2, 3], [3]])
    expect(b.nodes.map(({ op }) => op)).toEqual(expect.arrayContaining(['HardSigmoid', 'Gemm']))
    const feeds = {
      x0: tensor([
        [1, 2],
        [3, 4],
      ]),
      x1: tensor([
        [1, -1, 1],
        [1, -1, 0],
      ]),
      x2: tensor([0, 0, -1]),
    }
    const [dx, dw, dbias] = (await runGraph(b.build(grads), feeds)).map(numbersOf)
    const share = 1 / 6
    expect(dx?.map((v) => Math.round(v / share))).toEqual([1, 1, 2, 1])
    expect(dw?.map((v) => Math.round(v / share))).toEqual([4, 0, 3, 6, 0, 4])
    expect(dbias?.map((v) => Math.round(v / share))).toEqual([2, 0, 1])
  })
})

describe('refusals name the operator, its shapes and what was expected', () => {
  it.each<readonly [string, (b: Builder) => unknown, RekindleError['code'], RegExp]>([
    [
      'shapes',
      (b) => b.op('Add', of([2, 3], [2])(b)),
      'E_INVALID_SHAPE',
      /^Add; expected shapes that broadcast, received float32\[2, 3\], float32\[2\]$/,
    ],
    [
      'inner sizes',
      (b) => b.op('MatMul', of(['batch', 4], [3, 2])(b)),
      'E_INVALID_SHAPE',
      /^MatMul; expected equal inner sizes, received float32\[batch, 4\], float32\[3, 2\]$/,
    ],
    [
      'dtypes that differ',
      (b) => b.op('Add', [b.scalar(1), b.scalar(1, 'int64')]),
      'E_INVALID_DTYPE',
      /^Add; expected input 1 of float32 too/,
    ],
    [
      'a dtype that is not taken',
      (b) => b.op('Exp', [b.scalar(1, 'int64')]),
      'E_INVALID_DTYPE',
      /^Exp; expected input 0 of bfloat16 \| float16/,
    ],
    [
      'an axis',
      (b) => b.op('Softmax', of([2, 3])(b), { axis: 2 }),
      'E_INVALID_SHAPE',
      /^Softmax on float32\[2, 3\]: axis out of range; expected an axis from -2 to 1, received 2$/,
    ],
    [
      'a size',
      (b) => b.op('Reshape', [...of([2, 3])(b), b.ints([4, -1])]),
      'E_INVALID_SHAPE',
      /^Reshape; expected a shape of as many elements as \[4, -1\]/,
    ],
    ['two free sizes', (b) => b.op('Reshape', [...of([2, 3])(b), b.ints([-1, -1])]), 'E_INVALID_SHAPE', /^Reshape/],
    [
      'a permutation',
      (b) => b.op('Transpose', of([2, 3])(b), { perm: [0, 0] }),
      'E_INVALID_SHAPE',
      /^Transpose; expected a permutation of 2 axes, not \[0, 0\]/,
    ],
    [
      'a missing attribute',
      (b) => b.op('Concat', of([2])(b)),
      'E_INVALID_GRAPH',
      /^Concat; expected attribute axis: int/,
    ],
    [
      'an attribute of another kind',
      (b) => b.op('Softmax', of([2])(b), { axis: 0.5 }),
      'E_INVALID_GRAPH',
      /^Softmax; expected attribute axis: int/,
    ],
    [
      'an unknown attribute',
      (b) => b.op('Relu', of([2])(b), { alpha: 1 } as never),
      'E_INVALID_GRAPH',
      /^Relu; expected no attribute alpha/,
    ],
    [
      'too many outputs',
      (b) => b.ops('Relu', of([2])(b), {}, 2),
      'E_INVALID_SHAPE',
      /^Relu; expected at most 1 outputs, not 2/,
    ],
    [
      'K over the size',
      (b) => b.op('TopK', [...of([2, 3])(b), b.ints([4])]),
      'E_INVALID_SHAPE',
      /^TopK; expected K from 0 to 3/,
    ],
    [
      'channels',
      (b) => b.op('Conv', of([1, 3, 5, 5], [4, 2, 3, 3])(b)),
      'E_INVALID_SHAPE',
      /^Conv; expected 2 input channels/,
    ],
    [
      'a window',
      (b) => b.op('MaxPool', of([1, 3, 2, 2])(b), { kernel_shape: [3, 3] }),
      'E_INVALID_SHAPE',
      /^MaxPool; expected a window no larger/,
    ],
    [
      'an equation',
      (b) => b.op('Einsum', of([2, 3], [4, 5])(b), { equation: 'ij,jk->ik' }),
      'E_INVALID_SHAPE',
      /^Einsum; expected one size for label j/,
    ],
    [
      'a missing input',
      (b) => b.op('Gemm', [null, ...of([2, 3])(b)]),
      'E_INVALID_GRAPH',
      /^Gemm; expected an input 0, received nothing, float32\[2, 3\]$/,
    ],
  ])('%s', (_, build, code, message) => {
    expect(() => build(newBuilder())).toThrowError(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})
