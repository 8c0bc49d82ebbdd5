import { type Dim, type Graph, type Node, type OpName, subgraphsOf, type Value } from '../graph/index.ts'

/** Sizes that are known only at run time (the batch of an inference graph) count as this. */
const FREE_SIZE = 32

/**
 * Multiplications in one run up to which a number of threads is best, measured with spinning on 2 cores: the step of
 * an MLP 784-64-64-10 (5 million) is done sooner than a second thread has woken up; an LSTM over 50 steps (118
 * million) gains 20 %, a small CNN (470 million) 30 %. Four threads are for graphs whose single operators last
 * milliseconds.
 */
const STEPS = [
  { work: 16e6, threads: 1 },
  { work: 2e9, threads: 2 },
  { work: Number.POSITIVE_INFINITY, threads: 4 },
] as const

/**
 * How many threads one operator may use: a function of graph and machine alone, never of a stopwatch, because the
 * order of sums, and so the last bits, may depend on it.
 *
 * @param cores processors that this process may use
 */
export function chooseThreads(graph: Graph, cores: number): number {
  const work = workOf(graph)
  const step = STEPS.find((row) => work <= row.work)
  return Math.max(1, Math.min(cores, step?.threads ?? 1))
}

/** Multiplications (elements, for operators that do not multiply matrices) in one run of the graph. */
export function workOf(graph: Graph): number {
  let work = 0
  for (const node of graph.nodes) work += workOfNode(node)
  return work
}

type Counted = (node: Node) => number

/** Operators whose work is more than the size of what they give. */
const WORK: { readonly [K in OpName]?: Counted } = {
  MatMul: (node) => elements(node.outputs[0]) * size(node.inputs[0]?.shape.at(-1)),
  Gemm: (node) => {
    const { transA } = node.attrs as { readonly transA?: number }
    return elements(node.outputs[0]) * size(node.inputs[0]?.shape.at(transA ? 0 : 1))
  },
  Conv: (node) => (elements(node.outputs[0]) * elements(node.inputs[1])) / size(node.inputs[1]?.shape[0]),
  ConvTranspose: (node) => (elements(node.inputs[0]) * elements(node.inputs[1])) / size(node.inputs[1]?.shape[0]),
  Scan: (node) => bodies(node) * scanLength(node),
  Loop: (node) => bodies(node) * FREE_SIZE,
  If: (node) => bodies(node),
}

function workOfNode(node: Node): number {
  const counted = WORK[node.op]
  return counted ? counted(node) : node.outputs.reduce((most, output) => Math.max(most, elements(output)), 0)
}

function bodies(node: Node): number {
  return subgraphsOf(node).reduce((sum, body) => sum + workOf(body), 0)
}

/** A Scan's last inputs are its sequences; they all run along their first axis unless told otherwise. */
function scanLength(node: Node): number {
  const { scan_input_axes: axes } = node.attrs as { readonly scan_input_axes?: readonly number[] }
  return size(node.inputs.at(-1)?.shape.at(axes?.at(-1) ?? 0))
}

function elements(value: Value | null | undefined): number {
  return value ? value.shape.reduce<number>((product, dim) => product * size(dim), 1) : 0
}

function size(dim: Dim | undefined): number {
  return typeof dim === 'number' ? dim : FREE_SIZE
}
