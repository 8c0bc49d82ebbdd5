import type { LayerGraph, ModelDoc } from '../formats/doc.ts'
import { packedByteLength, sizeOf } from '../tensor/index.ts'
import { describeLayer, describeModel, type ModelDescription } from './describe.ts'
import type { Layer } from './layer.ts'
import { layersFromGraph, modelFromGraph } from './load-graph.ts'

/** Describes a file. Weights without an architecture give no layers, only totals. */
export function describeDoc(doc: ModelDoc): ModelDescription {
  const stored = [...doc.weights.values()]
  const totalParams = stored.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const bytes = stored.reduce((sum, { dtype, shape }) => sum + packedByteLength(dtype, sizeOf(shape)), 0)
  const { architecture } = doc
  if (architecture.kind !== 'layers') {
    return { layers: [], inputs: [], outputs: [], totalParams, trainableParams: totalParams, bytes }
  }
  const described = describeGraph(architecture.graph)
  return totalParams > 0 ? { ...described, totalParams, bytes } : described
}

function describeGraph(graph: LayerGraph): ModelDescription {
  const model = modelFromGraph(graph)
  return model.network ? describeModel(model) : describeUnconnected(layersFromGraph(graph))
}

function describeUnconnected(layers: readonly Layer[]): ModelDescription {
  const rows = layers.map((layer, i) => {
    const before = layers[i - 1]
    return describeLayer(layer, null, before ? [before.name] : [], 0)
  })
  return { layers: rows, inputs: [], outputs: [], totalParams: 0, trainableParams: 0, bytes: 0 }
}
