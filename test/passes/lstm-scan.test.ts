import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Builder, type Graph, printGraph, type Value } from '../../src/graph/index.ts'
import { newBuilder, OPS } from '../../src/ops/index.ts'
import { gradients, optimizeGraph, zeroGradients } from '../../src/passes/index.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { runGraph } from './run-graph.ts'

interface Run {
  readonly weight: readonly number[]
  readonly output: readonly number[]
  readonly gradients: Readonly<Record<Trained, readonly number[]>>
}

interface Fixture extends Readonly<Record<Trained, readonly number[]>> {
  readonly sizes: { readonly batch: number; readonly time: number; readonly features: number; readonly units: number }
  readonly mask: readonly number[]
  readonly last: Run
  readonly sequence: Run
}

const TRAINED = ['x', 'kernel', 'recurrent_kernel', 'bias'] as const
type Trained = (typeof TRAINED)[number]

const fixture: Fixture = JSON.parse(readFileSync(new URL('../fixtures/passes/lstm-scan.json', import.meta.url), 'utf8'))
const { batch, time, features, units } = fixture.sizes
const SHAPES: Readonly<Record<Trained, readonly number[]>> = {
  x: [batch, time, features],
  kernel: [features, 4 * units],
  recurrent_kernel: [units, 4 * units],
  bias: [4 * units],
}

/**
 * Keras's LSTM: gates i, f, c, o; a masked step carries output and state through. The recurrent kernel is captured by
 * the body, the rest of the step's input is computed for all steps at once.
 */
function lstm(
  b: Builder,
  x: Value,
  kernel: Value,
  recurrent: Value,
  bias: Value,
  mask: Value,
): { last: Value; sequence: Value } {
  const steps = b.op('Transpose', [x], { perm: [1, 0, 2] })
  const projected = b.op('Add', [b.op('MatMul', [steps, kernel]), bias])
  const masks = b.op('Unsqueeze', [b.op('Transpose', [mask], { perm: [1, 0] }), b.ints([2])])
  const state = { dtype: 'float32', shape: [batch, units] } as const
  const element = { dtype: 'float32', shape: [batch, 4 * units] } as const
  const body = b.subgraph([state, state, element, { dtype: 'bool', shape: [batch, 1] }], (inner, [h, c, z, on]) => {
    const [before, cell, input, present] = [h, c, z, on] as [Value, Value, Value, Value]
    const gates = inner.op('Add', [input, inner.op('MatMul', [before, recurrent])])
    const [i, f, candidate, o] = inner.ops('Split', [gates], { axis: 1, num_outputs: 4 }, 4) as [
      Value,
      Value,
      Value,
      Value,
    ]
    const kept = inner.op('Mul', [inner.op('Sigmoid', [f]), cell])
    const added = inner.op('Mul', [inner.op('Sigmoid', [i]), inner.op('Tanh', [candidate])])
    const nextCell = inner.op('Add', [kept, added])
    const output = inner.op('Mul', [inner.op('Sigmoid', [o]), inner.op('Tanh', [nextCell])])
    const carried = inner.op('Where', [present, output, before])
    return [carried, inner.op('Where', [present, nextCell, cell]), inner.op('Identity', [carried])]
  })
  const zeros = b.full([batch, units], 0)
  const [last, , stacked] = b.ops('Scan', [zeros, zeros, projected, masks], { body, num_scan_inputs: 2 }, 3)
  return { last: last as Value, sequence: b.op('Transpose', [stacked as Value], { perm: [1, 0, 2] }) }
}

/** Outputs: the loss `Σ output·weight`, the output, the four gradients. */
function trainingGraph(which: 'last' | 'sequence', run: Run): Graph {
  const b = newBuilder()
  const inputs = TRAINED.map((name) => b.input(name, 'float32', SHAPES[name]))
  const [x, kernel, recurrent, bias] = inputs as [Value, Value, Value, Value]
  const output = lstm(b, x, kernel, recurrent, bias, b.input('mask', 'bool', [batch, time]))[which]
  const weight = b.constant(new Tensor('float32', output.shape as number[], Float32Array.from(run.weight)))
  const loss = b.op('ReduceSum', [b.op('Mul', [output, weight])], { keepdims: 0 })
  return b.build([loss, output, ...zeroGradients(b, gradients(b, loss, inputs), inputs)])
}

function feeds(): Record<string, Tensor> {
  const floats = TRAINED.map(
    (name) => [name, new Tensor('float32', SHAPES[name], Float32Array.from(fixture[name]))] as const,
  )
  return { ...Object.fromEntries(floats), mask: new Tensor('bool', [batch, time], Uint8Array.from(fixture.mask)) }
}

const floatsOf = (tensor: Tensor | undefined): Float32Array => {
  if (tensor?.data instanceof Float32Array) return tensor.data
  throw new TypeError('expected a float32 tensor')
}

/** The largest difference, relative to 1 + |expected|. */
function difference(actual: Tensor | undefined, expected: readonly number[]): number {
  const values = floatsOf(actual)
  expect(values.length).toBe(expected.length)
  return Math.max(...expected.map((y, i) => Math.abs((values[i] as number) - y) / (1 + Math.abs(y))))
}

describe.each(['last', 'sequence'] as const)('an LSTM through Scan with a mask, %s output', (which) => {
  const run = fixture[which]

  it.each([
    ['as built', (graph: Graph) => graph],
    ['after the passes', optimizeGraph],
  ])('%s gives the output and the gradients of Keras', async (_, pass) => {
    const [, output, ...grads] = await runGraph(pass(trainingGraph(which, run)), feeds())
    expect(difference(output, run.output)).toBeLessThan(2e-5)
    for (const [i, name] of TRAINED.entries())
      expect(difference(grads[i], run.gradients[name]), name).toBeLessThan(2e-5)
  })

  it('has gradients that central differences confirm', async () => {
    const graph = trainingGraph(which, run)
    const [, , ...grads] = await runGraph(graph, feeds())
    const loss = async (name: Trained, at: number, step: number): Promise<number> => {
      const moved = feeds()
      const data = floatsOf(moved[name])
      data[at] = (data[at] as number) + step
      const [value] = await runGraph(graph, moved)
      return floatsOf(value)[0] as number
    }
    const step = 1e-2
    for (const [i, name] of TRAINED.entries()) {
      for (const at of [0, 3, 11]) {
        const numeric = ((await loss(name, at, step)) - (await loss(name, at, -step))) / (2 * step)
        const exact = floatsOf(grads[i])[at] as number
        expect(Math.abs(exact - numeric), `${name}[${at}]`).toBeLessThan(2e-3)
      }
    }
  })
})

it('keeps what the backward Scan needs instead of computing the step again', () => {
  const text = printGraph(trainingGraph('last', fixture.last), OPS)
  const scans = text.split('= Scan(')
  expect(scans).toHaveLength(3)
  // The backward body multiplies matrices for the state and for the recurrent kernel, and evaluates no gate again.
  expect(scans[2]).not.toMatch(/Sigmoid|Tanh|Split\(/)
})
