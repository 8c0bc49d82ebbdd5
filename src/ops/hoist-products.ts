import { type AttrsOf, type Graph, type Node, readsOf, type Value } from '../graph/index.ts'

export interface Hoisted {
  /** The step; from place `fixed` on its outputs are those to be summed, then the factors of each product. */
  readonly graph: Graph
  /** Places of the outputs that are products. */
  readonly products: readonly number[]
  /** Places of the outputs that are summed step by step. */
  readonly sums: readonly number[]
}

/**
 * A captured weight's gradient is a product aᵀ·d in every step. One product over all steps does the same work many
 * times faster, so the loop only stacks up the factors. Outputs from place `fixed` on are those of captured values.
 */
export function hoistProducts(step: Graph, fixed: number): Hoisted {
  const shares = step.outputs.slice(fixed)
  const reads = new Set(step.nodes.flatMap(readsOf))
  const nodes = shares.map((value) => {
    const node = step.nodes.find(({ outputs }) => outputs.includes(value))
    const alone = !reads.has(value) && step.outputs.indexOf(value) === step.outputs.lastIndexOf(value)
    return node && alone && isOuterProduct(node) ? node : null
  })
  const products = nodes.flatMap((node, n) => (node ? [n] : []))
  const sums = nodes.flatMap((node, n) => (node ? [] : [n]))
  return {
    graph: {
      ...step,
      nodes: step.nodes.filter((node) => !nodes.includes(node)),
      outputs: [
        ...step.outputs.slice(0, fixed),
        ...sums.map((n) => shares[n] as Value),
        ...products.flatMap((n) => nodes[n]?.inputs as readonly Value[]),
      ],
    },
    products,
    sums,
  }
}

function isOuterProduct(node: Node): boolean {
  if (node.op !== 'Gemm' || node.inputs.length > 2) return false
  const { alpha, transA, transB } = node.attrs as AttrsOf<'Gemm'>
  return alpha === 1 && transA === 1 && transB === 0
}
