import { describe, expect, it } from 'vitest'
import { ProtoWriter } from '../../src/bytes/protobuf.ts'
import { type Graph, printGraph, type Value, verify } from '../../src/graph/index.ts'
import { decodeModel, encodeModel, encodeModelChunks } from '../../src/onnx/index.ts'
import { newBuilder, OPS } from '../../src/ops/index.ts'
import { allocate, DTYPES, type DType, Tensor, type TypedArray } from '../../src/tensor/index.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })

function denseGraph(): Graph {
  const b = newBuilder()
  const x = b.input('x', 'float32', ['batch', 3])
  const kernel = b.constant(new Tensor('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)), 'kernel')
  const y = b.op('Gemm', [x, kernel], { alpha: 1, beta: 0.5 })
  const clipped = b.op('Clip', [y, null, b.scalar(4)])
  const [values, indices] = b.ops('TopK', [clipped, b.ints([1])], { axis: 1 }, 2) as [Value, Value]
  return b.build([values, indices])
}

function nestedGraph(): Graph {
  const b = newBuilder()
  const x = b.input('x', 'float32', [4])
  const flag = b.input('flag', 'bool', [])
  const branch = (scale: number) =>
    b.subgraph([], (inner) => {
      const then_branch = inner.subgraph([], (deep) => [deep.op('Mul', [x, deep.scalar(scale)])])
      const else_branch = inner.subgraph([], () => [x])
      return [inner.op('If', [flag], { then_branch, else_branch })]
    })
  return b.build([b.op('If', [flag], { then_branch: branch(2), else_branch: branch(3) })])
}

describe('encodeModel and decodeModel', () => {
  it.each([
    ['a dense graph', denseGraph],
    ['nested subgraphs', nestedGraph],
  ])('give back %s', (_, make) => {
    const graph = make()
    const bytes = encodeModel(graph)
    const decoded = decodeModel(bytes)
    expect(() => verify(decoded, OPS)).not.toThrow()
    expect(decoded.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
      graph.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    )
    // An Identity stands where a subgraph gives an outer value; from then on the bytes stay the same.
    if (make === denseGraph) expect(printGraph(decoded)).toBe(printGraph(graph))
    expect(encodeModel(decodeModel(encodeModel(decoded)))).toEqual(encodeModel(decoded))
    expect(encodeModel(make())).toEqual(bytes)
  })

  it.each(Object.keys(DTYPES) as DType[])('keep a %s constant bit for bit', (dtype) => {
    const b = newBuilder()
    const data = allocate(dtype, 3)
    if (dtype === 'string') (data as string[]).splice(0, 3, 'ä', '', 'b')
    else if (DTYPES[dtype].bits === 4) (data as Int8Array).set(dtype === 'int4' ? [-8, 7, -1] : [15, 0, 9])
    else {
      const bytes = new Uint8Array((data as TypedArray).buffer)
      bytes.set(Array.from(bytes, (_, i) => i * 3 + 1))
    }
    const value = b.constant(new Tensor(dtype, [3], data), 'c')
    const decoded = decodeModel(encodeModel(b.build([value])))
    const [content] = [...decoded.constants.values()]
    expect(content?.dtype).toBe(dtype)
    expect(content?.data).toEqual(data)
  })

  it('reads from any place in memory, a Buffer of Node too', () => {
    const bytes = encodeModel(denseGraph())
    const memory = Buffer.alloc(bytes.length + 8)
    for (let offset = 0; offset < 8; offset++) {
      memory.set(bytes, offset)
      const decoded = decodeModel(memory.subarray(offset, offset + bytes.length))
      expect(encodeModel(decoded)).toEqual(bytes)
    }
  })

  it('keeps large constants as views on the tensors', () => {
    const b = newBuilder()
    const data = new Float32Array(1000)
    const x = b.input('x', 'float32', [1000])
    const graph = b.build([b.op('Add', [x, b.constant(new Tensor('float32', [1000], data))])])
    expect(encodeModelChunks(graph).some((chunk) => chunk.buffer === data.buffer)).toBe(true)
  })

  it('gives a value another name where two clash, and refuses clashing outputs', () => {
    const b = newBuilder()
    const x = b.input('v1', 'float32', [2])
    const twice = b.op('Add', [x, x])
    const clash = decodeModel(encodeModel(b.build([b.op('Neg', [twice])])))
    expect(clash.nodes[0]?.outputs[0]?.name).toBe('v1_1')
    expect(() => encodeModel(b.build([x, twice]))).toThrow(code('E_INVALID_GRAPH'))
  })
})

describe('decodeModel on models that are not ours', () => {
  it('names an operator that it lacks', () => {
    const bytes = encodeModel(denseGraph())
    const text = new TextDecoder('latin1').decode(bytes)
    const at = text.indexOf('Gemm')
    bytes.set(new TextEncoder().encode('Zzzz'), at)
    expect(() => decodeModel(bytes)).toThrow(
      expect.objectContaining({ code: 'E_UNSUPPORTED_OP', message: expect.stringMatching(/Zzzz/) }),
    )
    bytes.set(new TextEncoder().encode('Gemm'), at)
    expect(() => decodeModel(bytes)).not.toThrow()
  })

  it('refuses operators that are only properties of objects', () => {
    const bytes = encodeModel(denseGraph())
    const text = new TextDecoder('latin1').decode(bytes)
    bytes.set(new TextEncoder().encode('toSt'), text.indexOf('Gemm'))
    expect(() => decodeModel(bytes)).toThrow(code('E_UNSUPPORTED_OP'))
  })

  it('refuses bytes that are no model', () => {
    expect(() => decodeModel(new Uint8Array(0))).toThrow(code('E_INVALID_ONNX'))
    expect(() => decodeModel(new TextEncoder().encode('hello, world'))).toThrow(
      expect.objectContaining({ name: 'RekindleError' }),
    )
  })

  it.each(Object.keys(DTYPES).filter((dtype) => dtype !== 'string') as DType[])(
    'reads %s values that are listed one by one, and refuses a list of another length',
    (dtype) => {
      const { onnx, kind, bits } = DTYPES[dtype]
      const listed = bits === 4 ? 2 : kind === 'complex' ? 6 : 3
      const model = (dims: readonly number[], count: number): Uint8Array => {
        const numbers = Array.from({ length: count }, (_, i) => i + 1)
        const tensorMessage = new ProtoWriter()
        tensorMessage.packedVarints(1, dims)
        tensorMessage.varint(2, onnx)
        tensorMessage.string(8, 'c')
        if (dtype === 'float32' || dtype === 'complex64') tensorMessage.packedFloats(4, numbers)
        else if (dtype === 'float64' || dtype === 'complex128') {
          tensorMessage.bytes(10, new Uint8Array(Float64Array.from(numbers).buffer))
        } else
          tensorMessage.packedVarints(dtype === 'int64' ? 7 : ['uint32', 'uint64'].includes(dtype) ? 11 : 5, numbers)
        const [graph, bytes, opset] = [new ProtoWriter(), new ProtoWriter(), new ProtoWriter()]
        graph.message(5, tensorMessage)
        opset.varint(2, 21)
        bytes.message(7, graph)
        bytes.message(8, opset)
        return bytes.finish()
      }
      const [content] = decodeModel(model([3], listed)).constants.values()
      const expected = bits === 4 ? [1, 0, 2] : Array.from({ length: listed }, (_, i) => i + 1)
      expect(Array.from(content?.data as ArrayLike<number | bigint>, Number)).toEqual(expected)
      for (const bytes of [model([3], listed - 1), model([3], listed + 1), model([2 ** 40], listed)]) {
        expect(() => decodeModel(bytes)).toThrow(code('E_INVALID_ONNX'))
      }
    },
  )

  it('refuses a truncated or flipped model with a RekindleError, or reads a graph that verifies', () => {
    for (const whole of [encodeModel(denseGraph()), encodeModel(nestedGraph())]) {
      for (let end = 0; end < whole.length; end++) expectClean(whole.subarray(0, end))
      for (let at = 0; at < whole.length; at++) {
        for (const bit of [0, 3, 7]) {
          const flipped = whole.slice()
          flipped[at] = (flipped[at] as number) ^ (1 << bit)
          expectClean(flipped)
        }
      }
    }
  })
})

/** Decodes, and lets nothing but a RekindleError or a graph that verifies come out. */
function expectClean(bytes: Uint8Array): void {
  try {
    verify(decodeModel(bytes), OPS)
  } catch (error) {
    expect(error).toMatchObject({ name: 'RekindleError' })
  }
}
