import type { Builder, Graph, Value } from '../graph/index.ts'
import { sizeOf } from '../tensor/index.ts'
import { type ClipSettings, clipGradients } from './clip.ts'
import { foldConstants } from './fold.ts'
import { gradients, zeroGradients } from './gradients.ts'
import { simplify } from './simplify.ts'

export interface TrainStepParts {
  /** A float; its elements are summed where it is no scalar. */
  readonly loss: Value
  /** What is trained, each of concrete shape: inputs of the graph, or values cut from them. */
  readonly parameters: readonly Value[]
  /** What leaves in the loss's place, such as a vector that begins with it. The loss by default. */
  readonly report?: Value
  /** Further outputs: metric states, moving statistics. None by default. */
  readonly extra?: readonly Value[]
  /** Clipping happens inside the graph. None by default. */
  readonly clip?: ClipSettings
  /** All gradients as one float vector, in the order of the parameters. False by default. */
  readonly packed?: boolean
}

/**
 * The graph of one training step, forward and backward. Its outputs, in this order: the loss (or the report), the gradient of each
 * parameter (zeros where the loss does not depend on it), or one vector of them all when `packed`, and the extras.
 * Every gradient output has a value of its own, also where two are equal.
 */
export function trainStep(
  b: Builder,
  { loss, parameters, report = loss, extra = [], clip = {}, packed = false }: TrainStepParts,
): Graph {
  const grads = clipGradients(b, zeroGradients(b, gradients(b, loss, parameters), parameters), clip)
  const outputs = packed ? [pack(b, grads)] : grads
  return optimizeGraph(b.build(distinct(b, [report, ...outputs, ...extra])))
}

/** The passes that every graph takes before it is run: what is known is computed, what changes nothing is removed. */
export function optimizeGraph(graph: Graph): Graph {
  return simplify(foldConstants(graph))
}

/** Values one after another as one vector. */
export function pack(b: Builder, values: readonly Value[]): Value {
  return b.op(
    'Concat',
    values.map((value) => b.op('Reshape', [value, b.ints([-1])])),
    { axis: 0 },
  )
}

/** The pieces of a vector that `pack` of these (concrete) shapes would make. */
export function unpack(b: Builder, vector: Value, shapes: readonly (readonly number[])[]): readonly Value[] {
  const sizes = shapes.map(sizeOf)
  const pieces = b.ops('Split', [vector, b.ints(sizes)], { axis: 0 }, sizes.length)
  return shapes.map((shape, i) => b.op('Reshape', [pieces[i] as Value, b.ints(shape)]))
}

/** Outputs are found by name: a value that is asked for twice, or that is an input, gets a copy. */
function distinct(b: Builder, outputs: readonly Value[]): readonly Value[] {
  const seen = new Set<Value>(b.inputs)
  return outputs.map((value) => {
    const output = seen.has(value) ? b.op('Identity', [value]) : value
    seen.add(output)
    return output
  })
}
