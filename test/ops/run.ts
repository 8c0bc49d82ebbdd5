import { loadEngine } from '#engine'
import { type Graph, verify } from '../../src/graph/index.ts'
import { encodeModel } from '../../src/onnx/index.ts'
import { OPS } from '../../src/ops/index.ts'
import type { Feeds, Session } from '../../src/runtime/types.ts'
import { castTensor, type Tensor } from '../../src/tensor/index.ts'

/** A verified graph, open in the engine. */
export async function openGraph(graph: Graph): Promise<Session> {
  verify(graph, OPS)
  const engine = await loadEngine()
  return engine.open(encodeModel(graph), { optimize: 'disabled' })
}

/** Runs a graph once and gives its outputs in their order. */
export async function runGraph(graph: Graph, feeds: Feeds): Promise<readonly Tensor[]> {
  const session = await openGraph(graph)
  try {
    const results = await session.run(feeds)
    return graph.outputs.map((output) => results[output.name] as Tensor)
  } finally {
    await session.close()
  }
}

/** A tensor's elements as plain numbers, halves included. */
export function numbersOf(x: Tensor): number[] {
  const plain = x.dtype === 'float16' || x.dtype === 'bfloat16' ? castTensor(x, 'float32') : x
  return Array.from(plain.data as ArrayLike<number | bigint | boolean>, Number)
}

/** The largest |a − b| / (1 + |b|); equal infinities and NaNs differ by nothing. */
export function largestError(received: readonly number[], expected: readonly number[]): number {
  if (received.length !== expected.length) return Number.POSITIVE_INFINITY
  return received.reduce((worst, a, i) => {
    const b = expected[i] as number
    if (Object.is(a, b) || a === b) return worst
    const error = Math.abs(a - b) / (1 + Math.abs(b))
    return Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error)
  }, 0)
}
