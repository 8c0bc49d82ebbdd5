import { type Builder, type GradContext, type Graph, inline, type Node, readsOf, type Value } from '../graph/index.ts'
import { isFloat } from '../tensor/index.ts'
import { zerosLike } from './math.ts'

/** The gradient of one round of a body, as a graph of its own. */
export interface StepGradient {
  /** From the gradients of the asked-for outputs and the values in `kept` to the gradients of `wrt`. */
  readonly graph: Graph
  /** Outputs of the body whose gradient the step takes, by their place among the body's outputs. */
  readonly seeds: readonly number[]
  /** Values of the body (inputs and results) that the gradient reads: the forward pass keeps them. */
  readonly kept: readonly Value[]
}

/**
 * Differentiates a body once. Written out it is the body followed by its backward pass; every value of the body that
 * the backward pass reads becomes an input instead, so that the body itself falls away: nothing is computed twice.
 *
 * `seeds` says which outputs have a gradient; `wrt` are float inputs of the body and values around it. A gradient
 * that does not flow is given as zeros.
 */
export function stepGradient(
  g: Pick<GradContext, 'b' | 'pullback'>,
  body: Graph,
  seeds: readonly number[],
  wrt: readonly Value[],
): StepGradient {
  const seedTypes = seeds.map((n) => typeOf(body.outputs[n] as Value))
  const originals = new Map<Value, Value>()
  let forward: ReadonlySet<Node> = new Set()
  const written = g.b.subgraph([...seedTypes, ...body.inputs.map(typeOf)], (inner, inputs) => {
    const { outputs, copies } = inline(inner, body, inputs.slice(seeds.length))
    for (const value of [...body.inputs, ...body.nodes.flatMap((node) => node.outputs)]) {
      originals.set(copies.get(value) as Value, value)
    }
    const steps = inner.nodes.length
    const given = outputs.map((_, n) => inputs[seeds.indexOf(n)] ?? null)
    const targets = wrt.map((value) => copies.get(value) ?? value)
    const gradients = g.pullback(inner, outputs, given, targets)
    // The walk may have widened the body's nodes in their places.
    forward = new Set(inner.nodes.slice(0, steps))
    return targets.map((target, n) => owned(inner, gradients[n] ?? zerosLike(inner, target)))
  })
  return cutForward(written, forward, originals, seeds)
}

/** Drops the body's nodes whose results can be kept; widened ones stay, since the body does not have what they add. */
function cutForward(
  written: Graph,
  forward: ReadonlySet<Node>,
  originals: ReadonlyMap<Value, Value>,
  seeds: readonly number[],
): StepGradient {
  const needed = new Set(written.outputs)
  const nodes: Node[] = []
  const kept = new Set<Value>()
  for (const node of [...written.nodes].reverse()) {
    const used = node.outputs.filter((value) => needed.has(value))
    if (used.length === 0) continue
    if (forward.has(node) && node.outputs.every((value) => originals.has(value))) {
      for (const value of used) kept.add(value)
      continue
    }
    nodes.unshift(node)
    for (const value of readsOf(node)) needed.add(value)
  }
  for (const value of written.inputs.slice(seeds.length)) if (needed.has(value)) kept.add(value)
  const inputs = [...written.inputs.slice(0, seeds.length), ...kept]
  return {
    graph: { ...written, nodes, inputs },
    seeds,
    kept: [...kept].map((value) => originals.get(value) as Value),
  }
}

/** The same body with more outputs: values of its own. */
export function withOutputs(b: Builder, body: Graph, more: readonly Value[]): Graph {
  return b.subgraph(body.inputs.map(typeOf), (inner, inputs) => {
    const { outputs, copies } = inline(inner, body, inputs)
    return [...outputs, ...more.map((value) => owned(inner, copies.get(value) as Value))]
  })
}

/** A value as something that the graph itself computes: ONNX refuses a graph that hands an outer value or input on. */
export function owned(b: Builder, value: Value): Value {
  return b.producerOf(value) ? value : b.op('Identity', [value])
}

export function floats(values: readonly Value[]): readonly Value[] {
  return values.filter((value) => isFloat(value.dtype))
}

function typeOf({ dtype, shape }: Value) {
  return { dtype, shape }
}
