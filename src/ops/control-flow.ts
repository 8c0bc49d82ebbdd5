import type { Dim, Graph, OpTable, Type } from '../graph/index.ts'
import { joinDims, joinShapes, UNKNOWN } from './dims.ts'
import { elementsOf } from './fold.ts'
import { ifGradient } from './if-gradient.ts'
import { loopGradient } from './loop-gradient.ts'
import { type Inference, row } from './row.ts'
import { scanGradient, scanPlan } from './scan-gradient.ts'

type LoopOp = 'If' | 'Loop' | 'Scan'

/** Two types that one value may have in turn: sizes that differ are unknown. */
function eitherType<K extends LoopOp>(i: Inference<K>, a: Type, b: Type, what: string): Type {
  if (a.dtype !== b.dtype) i.fail(`one dtype for ${what}, not ${a.dtype} and ${b.dtype}`, 'E_INVALID_DTYPE')
  if (a.shape.length !== b.shape.length) i.fail(`one rank for ${what}, not ${a.shape.length} and ${b.shape.length}`)
  return { dtype: a.dtype, shape: a.shape.map((dim, n) => (dim === b.shape[n] ? dim : UNKNOWN)) }
}

/** What goes into a body must fit what the body was written for. */
function checkBodyInput<K extends LoopOp>(i: Inference<K>, body: Graph, n: number, given: Type): void {
  const expected = body.inputs[n] as Type
  if (expected.dtype !== given.dtype) {
    i.fail(`${expected.dtype} for body input ${n}, not ${given.dtype}`, 'E_INVALID_DTYPE')
  }
  if (!joinShapes(expected.shape, given.shape)) {
    i.fail(`[${expected.shape.join(', ')}] for body input ${n}, not [${given.shape.join(', ')}]`)
  }
}

function inferIf(i: Inference<'If'>): readonly Type[] {
  const { then_branch, else_branch } = i.attrs
  if (then_branch.inputs.length + else_branch.inputs.length > 0) i.fail('branches without inputs', 'E_INVALID_GRAPH')
  if (then_branch.outputs.length !== else_branch.outputs.length) {
    i.fail('as many outputs in both branches', 'E_INVALID_GRAPH')
  }
  return then_branch.outputs.map((value, n) => eitherType(i, value, else_branch.outputs[n] as Type, `output ${n}`))
}

function inferScan(i: Inference<'Scan'>): readonly Type[] {
  const { body } = i.attrs
  const plan = scanPlan(i.attrs, i.x.length)
  if (plan === null) return i.fail('a body with an input for each state and slice', 'E_INVALID_GRAPH')
  let length: Dim = UNKNOWN
  for (const [n, { axis: given }] of plan.slices.entries()) {
    const { shape, dtype } = i.at(plan.states + n)
    const axis = i.axis(given, shape.length)
    length = joinDims(length, shape[axis] as Dim) ?? i.fail('sequences of one length')
    checkBodyInput(i, body, plan.states + n, { dtype, shape: shape.filter((_, k) => k !== axis) })
  }
  return body.outputs.map((value, n) => {
    if (n < plan.states) {
      checkBodyInput(i, body, n, i.at(n))
      return eitherType(i, i.at(n), value, `state ${n}`)
    }
    const rank = value.shape.length + 1
    const axis = i.axis(plan.stacks[n - plan.states]?.axis ?? 0, rank)
    return { dtype: value.dtype, shape: [...value.shape.slice(0, axis), length, ...value.shape.slice(axis)] }
  })
}

/** The number of rounds where it is constant and the body never asks to stop. */
function tripCount(i: Inference<'Loop'>): Dim {
  const { body } = i.attrs
  const [go] = body.outputs
  const isTrue = (content: readonly unknown[] | undefined): boolean => content?.[0] === 1
  const contentOf = (x: (typeof i.x)[number]): number[] | undefined =>
    x?.constant && Array.from(elementsOf(x.constant), Number)
  const keeps = body.nodes.find((node) => go !== undefined && node.outputs.includes(go))
  const fixed = go && body.constants.get(go)
  const goesOn =
    go === body.inputs[1] ||
    (keeps?.op === 'Identity' && keeps.inputs[0] === body.inputs[1]) ||
    isTrue(fixed && Array.from(elementsOf(fixed), Number))
  const starts = !i.x[1] || isTrue(contentOf(i.x[1]))
  const [most] = contentOf(i.x[0] ?? null) ?? i.x[0]?.content ?? []
  return goesOn && starts && most !== undefined ? most : UNKNOWN
}

function inferLoop(i: Inference<'Loop'>): readonly Type[] {
  const { body } = i.attrs
  const states = Math.max(0, i.x.length - 2)
  if (body.inputs.length !== states + 2 || body.outputs.length < states + 1) {
    i.fail(`a body from (i, condition, ${states} states) to (condition, ${states} states, …)`, 'E_INVALID_GRAPH')
  }
  const rounds = tripCount(i)
  return body.outputs.slice(1).map((value, n) => {
    if (n >= states) return { dtype: value.dtype, shape: [rounds, ...value.shape] }
    checkBodyInput(i, body, n + 2, i.at(n + 2))
    return eitherType(i, i.at(n + 2), value, `state ${n}`)
  })
}

export const CONTROL_FLOW = {
  If: row('If', { infer: inferIf, grad: ifGradient }),
  Loop: row('Loop', { infer: inferLoop, grad: loopGradient }),
  Scan: row('Scan', { infer: inferScan, grad: scanGradient }),
} satisfies Partial<OpTable>
