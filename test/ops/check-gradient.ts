import { expect } from 'vitest'
import { type Builder, concreteShape, type Value } from '../../src/graph/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients, zeroGradients } from '../../src/passes/index.ts'
import type { Session } from '../../src/runtime/types.ts'
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor/index.ts'
import { largestError, numbersOf, openGraph } from './run.ts'

type Build = (b: Builder, x: readonly Value[]) => Value | readonly (Value | null)[]
type FloatType = 'float32' | 'float64'

export interface GradientOptions {
  /** Inputs lie on an even grid inside this interval, its places shuffled: never equal, never on the borders. */
  readonly range?: readonly [low: number, high: number]
  /** One interval for each input instead. */
  readonly ranges?: readonly (readonly [low: number, high: number])[]
  /** Inputs whose gradient is asked for; all by default. */
  readonly wrt?: readonly number[]
  /** For operators that round to fewer digits than float64 has. */
  readonly dtype?: FloatType
}

/** float64 where the engine has all kernels for it; float32 needs wide steps and shows half the digits. */
const PRECISION = {
  float64: { step: 1e-5, tolerance: 1e-7 },
  float32: { step: 5e-3, tolerance: 3e-3 },
} as const

/**
 * Compares every gradient of `build` with central differences. The loss is a sum of all outputs with fixed uneven
 * weights, so that no element's gradient can hide behind another's.
 */
export async function checkGradient(
  shapes: readonly Shape[],
  build: Build,
  options: GradientOptions = {},
): Promise<void> {
  const wrt = options.wrt ?? shapes.map((_, i) => i)
  const inputs = shapes.map((shape, i) => spread(shape, options.ranges?.[i] ?? options.range ?? [-2, 2], i))
  const { dtype, session } = await openBest(shapes, build, wrt, options.dtype ?? 'float64')
  const { step, tolerance } = PRECISION[dtype]
  try {
    const feed = async (values: readonly (readonly number[])[]): Promise<Record<string, Tensor>> => {
      const tensors = values.map((value, i) => [`x${i}`, tensor([...value], { dtype, shape: shapes[i] as Shape })])
      return session.run(Object.fromEntries(tensors))
    }
    const lossAt = async (input: number, element: number, by: number): Promise<number> => {
      const moved = inputs.map((value, i) => (i === input ? value.map((x, n) => (n === element ? x + by : x)) : value))
      return numbersOf((await feed(moved)).loss as Tensor)[0] as number
    }
    const results = await feed(inputs)
    for (const input of wrt) {
      const expected: number[] = []
      for (let n = 0; n < sizeOf(shapes[input] as Shape); n++) {
        expected.push(((await lossAt(input, n, step)) - (await lossAt(input, n, -step))) / (2 * step))
      }
      const gradient = results[`d${input}`] as Tensor
      expect(gradient.shape).toEqual(shapes[input])
      expect(largestError(numbersOf(gradient), expected), `gradient of input ${input}`).toBeLessThan(tolerance)
    }
  } finally {
    await session.close()
  }
}

async function openBest(shapes: readonly Shape[], build: Build, wrt: readonly number[], best: FloatType) {
  const open = async (dtype: FloatType): Promise<{ dtype: FloatType; session: Session }> => ({
    dtype,
    session: await openGraph(lossGraph(shapes, build, wrt, dtype)),
  })
  try {
    return await open(best)
  } catch {
    return open('float32')
  }
}

function lossGraph(shapes: readonly Shape[], build: Build, wrt: readonly number[], dtype: FloatType) {
  const b = newBuilder()
  const inputs = shapes.map((shape, i) => b.input(`x${i}`, dtype, shape))
  const outputs = [build(b, inputs)].flat().filter((value) => value !== null)
  const weighted = outputs.map((y, n) => {
    const shape = concreteShape(y.shape, 'output')
    const weights = spread(shape, [0.5, 1.5], 10 + n)
    return b.op('ReduceSum', [b.op('Mul', [y, b.constant(tensor([...weights], { dtype, shape }))])], { keepdims: 0 })
  })
  const loss = b.op('Identity', [b.op('Sum', weighted)])
  const targets = wrt.map((i) => inputs[i] as Value)
  const grads = zeroGradients(b, gradients(b, loss, targets), targets)
  const named = [loss, ...grads.map((grad) => b.op('Identity', [grad]))]
  const names = ['loss', ...wrt.map((i) => `d${i}`)]
  return rename(b.build(named), names)
}

/** The same graph with these names for its outputs. */
function rename(graph: ReturnType<Builder['build']>, names: readonly string[]) {
  const outputs = graph.outputs.map((value, i) => ({ ...value, name: names[i] as string }))
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((value) => value && (outputs[graph.outputs.indexOf(value)] ?? value)),
    outputs: node.outputs.map((value) => outputs[graph.outputs.indexOf(value)] ?? value),
  }))
  return { ...graph, nodes, outputs }
}

/** Evenly spaced numbers in an order that a fixed multiplier shuffles. */
export function spread(shape: Shape, [low, high]: readonly [number, number], seed: number): readonly number[] {
  const size = sizeOf(shape)
  const places = Array.from({ length: size }, (_, i) => i)
  let state = 12345 + 7919 * seed
  for (let i = size - 1; i > 0; i--) {
    state = (state * 1103515245 + 12345) % 2147483648
    const j = state % (i + 1)
    ;[places[i], places[j]] = [places[j] as number, places[i] as number]
  }
  return places.map((place) => low + ((place + 0.5 + 0.01 * seed) / (size + 0.2)) * (high - low))
}
