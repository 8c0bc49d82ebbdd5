import { RekindleError } from '../errors.ts'
import { type Builder, type Dim, type Node, type OpDef, readsOf, subgraphsOf, type Value } from '../graph/index.ts'
import { formatShape, isFloat, sameShape } from '../tensor/index.ts'

/**
 * Reverse-mode differentiation: appends the backward nodes to the builder and returns the gradient of the sum of
 * the loss's elements for each value of `wrt`, each of that value's shape and dtype.
 *
 * A gradient is null where the loss does not depend on the value (an unused weight, a path through integers), so
 * that the caller can tell it from a gradient that happens to be zero; `zeroGradients` fills the holes.
 *
 * @throws RekindleError `E_UNSUPPORTED_OP` naming the operator when a gradient is needed through one that has none.
 */
export function gradients(b: Builder, loss: Value, wrt: readonly Value[]): readonly (Value | null)[] {
  if (!isFloat(loss.dtype)) {
    throw new RekindleError('E_INVALID_DTYPE', 'the loss must be a float', { received: loss.dtype })
  }
  return pullback(b, [loss], [filledLike(b, loss, 1)], wrt)
}

/** The same gradients with zeros of the value's shape in the place of null. */
export function zeroGradients(b: Builder, grads: readonly (Value | null)[], wrt: readonly Value[]): readonly Value[] {
  return wrt.map((value, i) => grads[i] ?? filledLike(b, value, 0))
}

/**
 * The vector-Jacobian product: gradients of `wrt` when each of `outputs` has the gradient at its place in `seeds`.
 * The one backward walk of the house: sums and un-broadcasting happen here and in no rule.
 */
export function pullback(
  b: Builder,
  outputs: readonly Value[],
  seeds: readonly (Value | null)[],
  wrt: readonly Value[],
): readonly (Value | null)[] {
  const active = dependents(b.nodes, wrt)
  const sums = new Sums(b)
  for (const [i, output] of outputs.entries()) sums.add(output, seeds[i] ?? null, 'seed')
  for (const node of [...b.nodes].reverse()) {
    if (!node.outputs.some((output) => active.has(output) && sums.has(output))) continue
    for (const [target, gradient] of differentiate(b, node, active, sums)) sums.add(target, gradient, node.op)
  }
  return wrt.map((value) => sums.total(value))
}

/** Runs one node's rule: what it reads, each with its share of the gradient. */
function differentiate(
  b: Builder,
  node: Node,
  active: ReadonlySet<Value>,
  sums: Sums,
): readonly (readonly [Value, Value | null])[] {
  const captures = [...new Set(subgraphsOf(node).flatMap((graph) => graph.captures))]
  const targets = [...node.inputs, ...captures]
  const need = (i: number): boolean => {
    const target = targets[i] ?? null
    return target !== null && active.has(target)
  }
  if (!targets.some((_, i) => need(i))) return []
  const def = b.table[node.op] as unknown as OpDef
  if (def.grad === 'none') {
    throw new RekindleError('E_UNSUPPORTED_OP', `no gradient through ${node.op}`, {
      where: node.outputs.map((output) => output.name).join(', '),
      hint: 'the loss depends on a trained weight through this operator',
    })
  }
  const shares = def.grad({
    b,
    x: node.inputs,
    y: node.outputs,
    dy: node.outputs.map((output) => sums.total(output)),
    attrs: node.attrs,
    captures,
    need,
    pullback,
    extend: (attrs, more) => b.extend(node, attrs, more),
  })
  return targets.flatMap((target, i) => (target !== null && need(i) ? [[target, shares[i] ?? null] as const] : []))
}

/** Float values that depend on one of `sources`, these included: only they get gradients. */
function dependents(nodes: readonly Node[], sources: readonly Value[]): ReadonlySet<Value> {
  const active = new Set(sources.filter((value) => isFloat(value.dtype)))
  for (const node of nodes) {
    if (!readsOf(node).some((value) => active.has(value))) continue
    for (const output of node.outputs) if (isFloat(output.dtype)) active.add(output)
  }
  return active
}

/** The shares of the gradient that arrived at each value so far. */
class Sums {
  readonly #b: Builder
  readonly #shares = new Map<Value, Value[]>()

  constructor(b: Builder) {
    this.#b = b
  }

  has(value: Value): boolean {
    return this.#shares.has(value)
  }

  add(value: Value, share: Value | null, from: string): void {
    if (share === null) return
    if (share.dtype !== value.dtype) {
      throw new RekindleError('E_INVALID_GRAPH', `gradient of ${value.name} from ${from}`, {
        expected: value.dtype,
        received: share.dtype,
      })
    }
    const fitting = unbroadcast(this.#b, share, value.shape, from)
    const shares = this.#shares.get(value)
    if (shares) shares.push(fitting)
    else this.#shares.set(value, [fitting])
  }

  total(value: Value): Value | null {
    const shares = this.#shares.get(value)
    if (shares === undefined) return null
    const [first, second, ...rest] = shares
    if (first === undefined || second === undefined) return first ?? null
    const sum = rest.length === 0 ? this.#b.op('Add', [first, second]) : this.#b.op('Sum', shares)
    this.#shares.set(value, [sum])
    return sum
  }
}

/** Sums a gradient over the axes along which broadcasting repeated the value. */
function unbroadcast(b: Builder, gradient: Value, shape: readonly Dim[], from: string): Value {
  if (sameShape(gradient.shape, shape)) return gradient
  const lead = gradient.shape.length - shape.length
  const aligned = gradient.shape.slice(Math.max(lead, 0))
  const repeated = shape.flatMap((dim, i) => (dim === 1 && aligned[i] !== 1 ? [i] : []))
  if (lead < 0 || shape.some((dim, i) => dim !== aligned[i] && dim !== 1)) {
    throw new RekindleError('E_INVALID_GRAPH', `shape of a gradient from ${from}`, {
      expected: formatShape(shape),
      received: formatShape(gradient.shape),
    })
  }
  let sum = gradient
  if (lead > 0) {
    const axes = Array.from({ length: lead }, (_, axis) => axis)
    sum = b.op('ReduceSum', [sum, b.ints(axes)], { keepdims: 0 })
  }
  return repeated.length === 0 ? sum : b.op('ReduceSum', [sum, b.ints(repeated)], { keepdims: 1 })
}

/** A scalar spread out: one number in the model however large the shape. */
function filledLike(b: Builder, value: Value, x: number): Value {
  const { dtype, shape } = value
  const sizes = shape.every((dim) => typeof dim === 'number') ? b.ints(shape) : b.op('Shape', [value])
  return shape.length === 0 ? b.scalar(x, dtype) : b.op('Expand', [b.scalar(x, dtype), sizes])
}
