import { loadEngine } from '#engine'
import { type Graph, verify } from '../../src/graph/index.ts'
import { encodeModel } from '../../src/onnx/index.ts'
import { OPS } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/tensor/index.ts'

/** Verifies a graph, runs it in the engine and gives the outputs in their order. */
export async function runGraph(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<readonly Tensor[]> {
  verify(graph, OPS)
  const engine = await loadEngine()
  const session = await engine.open(encodeModel(graph), { optimize: 'disabled' })
  try {
    const results = await session.run(feeds)
    return graph.outputs.map((output) => results[output.name] as Tensor)
  } finally {
    await session.close()
  }
}
