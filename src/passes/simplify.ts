import type { Graph, Node, OpName, Value } from '../graph/index.ts'
import { UNKNOWN } from '../ops/dims.ts'
import { sameShape, type Tensor } from '../tensor/index.ts'
import { removeDeadCode } from './dead-code.ts'
import { type Replacement, type RewriteScope, rewrite } from './rewrite.ts'

type Rule = (node: Node, scope: RewriteScope) => Replacement | null

/**
 * Removes work that changes nothing: every rule gives bit for bit what was there. Values keep their types.
 */
export function simplify(graph: Graph): Graph {
  return removeDeadCode(rewrite(graph, replacementOf))
}

/** The first rule that fits; a node that a rule made is looked at again. */
function replacementOf(node: Node, scope: RewriteScope): Replacement | null {
  for (const rule of RULES[node.op] ?? []) {
    const replacement = rule(node, scope)
    if (replacement && 'node' in replacement) return replacementOf(replacement.node, scope) ?? replacement
    if (replacement) return replacement
  }
  return null
}

/** The output is input 0 when both have one shape and dtype: these operators only move or rename elements in order. */
const unmoved: Rule = (node) => passThrough(node, isSameType(node))

/** A transposition that leaves each axis in its place. */
const unturned: Rule = (node) =>
  passThrough(
    node,
    permutationOf(node).every((axis, i) => axis === i),
  )

/** Two transpositions in a row are one: the second reads the axes of the first. */
const turnedTwice: Rule = (node, scope) => {
  const before = producerOf(node, 'Transpose', scope)
  if (before === null) return null
  const first = permutationOf(before)
  const perm = permutationOf(node).map((axis) => first[axis] as number)
  return { node: { ...node, inputs: before.inputs, attrs: { perm } } as Node }
}

/** Of two reshapes in a row the last one decides, unless it copies sizes (0) from its own input. */
const reshapedTwice: Rule = (node, scope) => {
  const before = producerOf(node, 'Reshape', scope)
  const target = node.inputs[1] && scope.constantOf(node.inputs[1])
  if (before === null || !target || Array.from(target.data as ArrayLike<bigint>).includes(0n)) return null
  return { node: { ...node, inputs: [before.inputs[0] as Value, node.inputs[1] as Value] } }
}

/** `op(op(x))` is x. */
const undoesItself: Rule = (node, scope) => {
  const before = producerOf(node, node.op, scope)
  return before && { values: [before.inputs[0] as Value] }
}

/** A constant second operand of this number changes nothing (x·1, x/1, x−0, for NaN and −0 too). */
function neutral(number: number): Rule {
  return (node, scope) => {
    const operand = node.inputs[1] && scope.constantOf(node.inputs[1])
    return passThrough(node, operand !== null && isFilledWith(operand, number) && isSameType(node))
  }
}

/** One operand left alone. */
const single: Rule = (node) => passThrough(node, node.inputs.length === 1)

const RULES: { readonly [K in OpName]?: readonly Rule[] } = {
  Identity: [unmoved],
  Cast: [unmoved],
  Reshape: [unmoved, reshapedTwice],
  Flatten: [unmoved],
  Squeeze: [unmoved],
  Unsqueeze: [unmoved],
  Expand: [unmoved],
  Transpose: [unturned, turnedTwice],
  Neg: [undoesItself],
  Not: [undoesItself],
  Mul: [neutral(1)],
  Div: [neutral(1)],
  Sub: [neutral(0)],
  Sum: [single],
  Concat: [single],
}

function passThrough(node: Node, harmless: boolean): Replacement | null {
  return harmless ? { values: [node.inputs[0] as Value] } : null
}

function isSameType(node: Node): boolean {
  const [x, y] = [node.inputs[0] as Value, node.outputs[0] as Value]
  return x.dtype === y.dtype && sameShape(x.shape, y.shape) && !x.shape.includes(UNKNOWN)
}

function permutationOf(node: Node): readonly number[] {
  const { perm } = node.attrs as { perm?: readonly number[] }
  const rank = (node.inputs[0] as Value).shape.length
  return perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
}

/** The node before this one on its first input, when it is that operator. */
function producerOf(node: Node, op: OpName, scope: RewriteScope): Node | null {
  const before = scope.producerOf(node.inputs[0] as Value)
  return before?.op === op ? before : null
}

function isFilledWith(tensor: Tensor | undefined, number: number): boolean {
  if (tensor === undefined || !(tensor.data instanceof Float32Array || tensor.data instanceof Float64Array))
    return false
  return tensor.data.length > 0 && tensor.data.every((x) => x === number)
}
