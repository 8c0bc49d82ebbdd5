import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Builder, Graph, Value } from '../../src/graph/index.ts'
import { decodeModel, encodeModel } from '../../src/onnx/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { trainStep } from '../../src/passes/index.ts'
import { type Shape, sizeOf, Tensor } from '../../src/tensor/index.ts'
import { runGraph } from '../passes/run-graph.ts'

const PYTHON = process.env.REKINDLE_PYTHON ?? '.venv/bin/python'

/** Checks each model and runs it; inputs and outputs are raw float32 files beside it. */
const CHECK = `
import json, sys, numpy as np, onnx, onnxruntime
folder, names = sys.argv[1], json.loads(sys.argv[2])
onnxruntime.set_default_logger_severity(3)
for name, feeds in names.items():
    path = f"{folder}/{name}.onnx"
    onnx.checker.check_model(path, full_check=True)
    inputs = {key: np.array(values, "float32").reshape(shape) for key, (shape, values) in feeds.items()}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    outputs = session.run(None, inputs)
    result = [[list(y.shape), y.astype("float64").ravel().tolist()] for y in outputs]
    open(f"{folder}/{name}.json", "w").write(json.dumps(result))
`

/** Writes a model as Python's onnx package would, for the reader. */
const WRITE = `
import sys, numpy as np, onnx
from onnx import TensorProto as T, helper as h, numpy_helper as n
folder = sys.argv[1]
w = np.arange(6, dtype="float32").reshape(3, 2)
branch = lambda op, name: h.make_graph([h.make_node(op, ["y"], [name])], name, [], [h.make_tensor_value_info(name, T.FLOAT, ["N", 2])])
nodes = [
    h.make_node("MatMul", ["x", "w"], ["m"]),
    h.make_node("Add", ["m", "b"], ["y"]),
    h.make_node("ReduceSum", ["y"], ["s"], keepdims=0),
    h.make_node("Greater", ["s", "zero"], ["flag"]),
    h.make_node("If", ["flag"], ["z"], then_branch=branch("Neg", "n"), else_branch=branch("Exp", "e")),
]
initializers = [n.from_array(w, "w"), h.make_tensor("b", T.FLOAT, [2], [0.5, -0.5]), h.make_tensor("zero", T.FLOAT, [], [0.0])]
graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, ["N", 3])], [h.make_tensor_value_info("z", T.FLOAT, ["N", 2])], initializers)
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10), f"{folder}/python.onnx")
`

interface Case {
  readonly graph: Graph
  readonly feeds: Readonly<Record<string, Tensor<'float32'>>>
}

/** Numbers that look random and are the same everywhere. */
function sample(shape: Shape, seed = 1): Tensor<'float32'> {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * (i + 1) * seed))
  return new Tensor('float32', shape, data)
}

function scan(b: Builder, x: Value, w: Value): Value {
  const row = { dtype: 'float32', shape: [2, 3] } as const
  const body = b.subgraph([row, row], (inner, [h, z]) => {
    const next = inner.op('Tanh', [inner.op('Add', [inner.op('MatMul', [h as Value, w]), z as Value])])
    return [next, inner.op('Identity', [next])]
  })
  return b.ops('Scan', [b.full([2, 3], 0), x], { body, num_scan_inputs: 1 }, 2)[1] as Value
}

const CASES: Readonly<Record<string, () => Case>> = {
  dense() {
    const b = newBuilder()
    const x = b.input('x', 'float32', ['batch', 3])
    const y = b.op('Gemm', [x, b.constant(sample([4, 3]), 'kernel'), b.constant(sample([4]))], { transB: 1, alpha: 1 })
    const clipped = b.op('Clip', [b.op('LeakyRelu', [y], { alpha: 0.3 }), null, b.scalar(0.4)])
    return { graph: b.build([b.op('Softmax', [clipped]), y]), feeds: { x: sample([5, 3]) } }
  },
  branches() {
    const b = newBuilder()
    const x = b.input('x', 'float32', [2, 3])
    const flag = b.op('Greater', [b.op('ReduceSum', [x], { keepdims: 0 }), b.scalar(0)])
    const inside = (inner: Builder) => {
      const then_branch = inner.subgraph([], () => [x])
      const else_branch = inner.subgraph([], (deep) => [deep.op('Mul', [x, deep.scalar(3)])])
      return [inner.op('If', [inner.op('Not', [flag])], { then_branch, else_branch })]
    }
    const then_branch = b.subgraph([], inside)
    const else_branch = b.subgraph([], inside)
    return { graph: b.build([b.op('If', [flag], { then_branch, else_branch })]), feeds: { x: sample([2, 3]) } }
  },
  recurrentTraining() {
    const b = newBuilder()
    const x = b.input('x', 'float32', [6, 2, 3])
    const w = b.input('w', 'float32', [3, 3])
    const y = scan(b, x, w)
    const loss = b.op('ReduceMean', [b.op('Mul', [y, y])], { keepdims: 0 })
    const graph = trainStep(b, { loss, parameters: [w, x], extra: [y], clip: { global_clipnorm: 0.1 } })
    return { graph, feeds: { x: sample([6, 2, 3]), w: sample([3, 3], 2) } }
  },
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rekindle-onnx-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('models that we write', () => {
  it.each(Object.keys(CASES))('%s: the checker of onnx accepts it and onnxruntime in Python agrees', async (name) => {
    const { graph, feeds } = (CASES[name] as () => Case)()
    writeFileSync(join(folder, `${name}.onnx`), encodeModel(graph))
    const plain = Object.entries(feeds).map(([key, { shape, data }]) => [key, [shape, Array.from(data)]])
    execFileSync(PYTHON, ['-c', CHECK, folder, JSON.stringify({ [name]: Object.fromEntries(plain) })], {
      stdio: 'pipe',
    })
    const theirs = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as [number[], number[]][]
    const ours = await runGraph(graph, feeds)
    expect(theirs).toHaveLength(ours.length)
    for (const [i, [shape, values]] of theirs.entries()) {
      expect(ours[i]?.shape).toEqual(shape)
      for (const [at, value] of values.entries()) expect(ours[i]?.data[at]).toBeCloseTo(value, 5)
    }
  })
})

describe('models that the onnx package writes', () => {
  it('are read: initializers of both kinds, symbolic sizes, branches with captures', async () => {
    execFileSync(PYTHON, ['-c', WRITE, folder], { stdio: 'pipe' })
    const graph = decodeModel(readFileSync(join(folder, 'python.onnx')))
    expect(graph.inputs[0]?.shape).toEqual(['N', 3])
    const [z] = await runGraph(graph, { x: new Tensor('float32', [1, 3], Float32Array.of(1, 1, 1)) })
    expect(z?.toArray()).toEqual([[-6.5, -8.5]])
  })
})
