import { type GradContext, type Graph, inline, type Value } from '../graph/index.ts'
import { zerosLike } from './math.ts'
import { owned } from './step-gradient.ts'

/** The gradient of what the branches read: an If of the same condition whose branches run forward and back. */
export function ifGradient(g: GradContext<'If'>): readonly (Value | null)[] {
  const { b, captures } = g
  const wrt = captures.filter((_, n) => g.need(g.x.length + n))
  const backward = (branch: Graph): Graph =>
    b.subgraph([], (inner) => {
      const { outputs } = inline(inner, branch, [])
      const gradients = g.pullback(inner, outputs, g.dy, wrt)
      return wrt.map((value, n) => owned(inner, gradients[n] ?? zerosLike(inner, value)))
    })
  const branches = { then_branch: backward(g.attrs.then_branch), else_branch: backward(g.attrs.else_branch) }
  const gradients = b.ops('If', [g.x[0] as Value], branches, wrt.length)
  return [null, ...captures.map((value) => gradients[wrt.indexOf(value)] ?? null)]
}
