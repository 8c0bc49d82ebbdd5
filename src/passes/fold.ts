import type { Dim, Graph, OpDef, OpTable, Value } from '../graph/index.ts'
import { OPS } from '../ops/index.ts'
import { sameShape, sizeOf, Tensor } from '../tensor/index.ts'
import { removeDeadCode } from './dead-code.ts'
import { type RewriteRule, rewrite } from './rewrite.ts'

/** No constant larger than this is made: it would take more room in the model than its computation takes time. */
const MAX_ELEMENTS = 1 << 16

/**
 * Computes what is known before the graph runs: operators of constant inputs through their rows' `fold`, and short
 * integer vectors whose content type inference knows (shapes). In subgraphs too; what becomes unused is removed.
 */
export function foldConstants(graph: Graph, table: OpTable = OPS): Graph {
  const rule: RewriteRule = (node, scope) => {
    const { fold } = table[node.op] as unknown as OpDef
    const known = node.outputs.map(knownContent)
    if (known.every((content) => content !== null)) return { contents: known }
    if (fold === undefined || !node.outputs.every(isSmall)) return null
    const inputs = node.inputs.map((value) => value && scope.constantOf(value))
    if (inputs.includes(undefined)) return null
    const contents = fold(inputs as readonly (Tensor | null)[], node.attrs)
    const fits = contents?.every((content, i) => hasType(content, node.outputs[i]))
    return contents && fits ? { contents } : null
  }
  return removeDeadCode(rewrite(graph, rule))
}

function isSmall({ shape }: Value): boolean {
  return isConcrete(shape) && sizeOf(shape) <= MAX_ELEMENTS
}

/** Values whose content the types alone tell, such as the shape of an input of a concrete shape. */
function knownContent({ dtype, shape, content }: Value): Tensor | null {
  if (content === undefined || !isConcrete(content) || !isConcrete(shape)) return null
  if (dtype === 'int64') return new Tensor(dtype, shape, BigInt64Array.from(content, BigInt))
  return dtype === 'int32' ? new Tensor(dtype, shape, Int32Array.from(content)) : null
}

function hasType(content: Tensor, value: Value | undefined): boolean {
  return value !== undefined && content.dtype === value.dtype && sameShape(content.shape, value.shape)
}

function isConcrete(shape: readonly Dim[]): shape is readonly number[] {
  return shape.every((dim) => typeof dim === 'number')
}
