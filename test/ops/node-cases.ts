import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Graph, Node, OpName } from '../../src/graph/index.ts'
import { decodeModel } from '../../src/onnx/index.ts'
import { allocate, DTYPES, type DType, sizeOf, Tensor } from '../../src/tensor/index.ts'

interface Stored {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Little-endian bytes in base64. */
  readonly data: string
}

interface StoredCase {
  readonly name: string
  readonly op: OpName
  readonly inputs: readonly (Stored | null)[]
  readonly outputs: readonly Stored[]
  readonly places: readonly number[]
  readonly attrs?: Readonly<Record<string, unknown>>
  /** The whole model, where an attribute holds a graph. */
  readonly model?: string
  readonly engine?: string
}

/** One of ONNX's own cases: an operator, its inputs, and the outputs of ONNX's numpy reference. */
export interface NodeCase {
  readonly name: string
  readonly op: OpName
  readonly attrs: Node['attrs']
  readonly inputs: readonly (Tensor | null)[]
  readonly outputs: readonly Tensor[]
  /** Which of the operator's outputs each expected one is. */
  readonly places: readonly number[]
  /** The whole model, where an attribute holds a graph. */
  readonly graph: Graph | undefined
  /** Why ONNX Runtime is not asked, where it is not. */
  readonly engine: string | undefined
}

export function readNodeCases(): readonly NodeCase[] {
  const folder = new URL('../fixtures/ops/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.startsWith('node-cases-'))
  return files.flatMap((name) => {
    const content = JSON.parse(gunzipSync(readFileSync(new URL(name, folder))).toString()) as { cases: StoredCase[] }
    return content.cases.map(readCase)
  })
}

function readCase(stored: StoredCase): NodeCase {
  const graph = stored.model === undefined ? undefined : decodeModel(Buffer.from(stored.model, 'base64'))
  return {
    name: stored.name,
    op: stored.op,
    attrs: graph?.nodes[0]?.attrs ?? readAttributes(stored),
    graph,
    inputs: stored.inputs.map((input) => input && readTensor(input)),
    outputs: stored.outputs.map(readTensor),
    places: stored.places,
    engine: stored.engine,
  }
}

function readAttributes({ attrs }: StoredCase): Node['attrs'] {
  const entries = Object.entries(attrs ?? {}).map(([name, value]) => [
    name,
    isStored(value) ? readTensor(value) : value,
  ])
  return Object.fromEntries(entries) as Node['attrs']
}

function isStored(value: unknown): value is Stored {
  return typeof value === 'object' && value !== null && 'dtype' in value
}

function readTensor({ dtype, shape, data }: Stored): Tensor {
  const target = allocate(dtype, sizeOf(shape)) as Exclude<ReturnType<typeof allocate>, string[]>
  const bytes = Buffer.from(data, 'base64')
  new Uint8Array(target.buffer).set(bytes.subarray(0, (target.length * DTYPES[dtype].bits) / 8))
  return new Tensor(dtype, shape, target)
}
