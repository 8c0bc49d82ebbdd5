import type { Dim } from '../graph/index.ts'

/**
 * Arithmetic with sizes. A size is a polynomial with whole coefficients over the names in it: `'784*batch'`,
 * `'past+2*step'`. Its written form is canonical, so that equal names stay equal sizes.
 */

/** A size that nothing is known about. It is equal to nothing, not even to itself. */
export const UNKNOWN: Dim = '?'

/** Names that are read as arithmetic; any other name (`'floor(n/2)'`) stands for itself. */
const ARITHMETIC = /^[\w*+]+$/

/** Products of names (`'a*b'`, `''` for 1) and how often each is there. */
type Polynomial = ReadonlyMap<string, number>

export function multiplyDims(dims: readonly Dim[]): Dim {
  if (dims.includes(0)) return 0
  let product: Polynomial = new Map([['', 1]])
  for (const dim of dims) {
    if (dim === UNKNOWN) return UNKNOWN
    const next = new Map<string, number>()
    for (const [left, p] of product) {
      for (const [right, q] of parse(dim)) accumulate(next, joinNames([...names(left), ...names(right)]), p * q)
    }
    product = next
  }
  return format(product)
}

export function addDims(dims: readonly Dim[]): Dim {
  const sum = new Map<string, number>()
  for (const dim of dims) {
    if (dim === UNKNOWN) return UNKNOWN
    for (const [term, count] of parse(dim)) accumulate(sum, term, count)
  }
  return format(sum)
}

/** The exact quotient of two sizes, or null where it is not known to be whole. Divides by single terms only. */
export function divideDims(total: Dim, by: Dim): Dim | null {
  if (by === 0 || total === UNKNOWN || by === UNKNOWN) return null
  if (total === by) return 1
  const [divisor, ...more] = parse(by)
  if (divisor === undefined || more.length > 0) return null
  const quotient = new Map<string, number>()
  for (const [term, count] of parse(total)) {
    const left = names(term)
    for (const name of names(divisor[0])) {
      const place = left.indexOf(name)
      if (place < 0) return null
      left.splice(place, 1)
    }
    if (count % divisor[1] !== 0) return null
    quotient.set(joinNames(left), count / divisor[1])
  }
  return format(quotient)
}

/** Two sizes that must be equal: the one that says more, or undefined where they cannot be equal. */
export function joinDims(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === 'number') return typeof b === 'number' && a !== b ? undefined : a
  return typeof b === 'number' || a === UNKNOWN ? b : a
}

/**
 * Two sizes that numpy's rule broadcasts, or undefined where it cannot. A name against a number above 1 can only be
 * that number or 1; two different names give an unknown size, since either may be 1.
 */
export function broadcastDims(a: Dim, b: Dim): Dim | undefined {
  if (a === 1) return b
  if (b === 1) return a
  if (typeof a === 'number') return typeof b === 'number' && a !== b ? undefined : a
  if (typeof b === 'number') return b
  return a === b ? a : UNKNOWN
}

/** The shape of elementwise work on several shapes, or undefined where they do not fit. */
export function broadcastShapes(shapes: readonly (readonly Dim[])[]): readonly Dim[] | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  const result: Dim[] = []
  for (let axis = -rank; axis < 0; axis++) {
    let joined: Dim | undefined = 1
    for (const shape of shapes) {
      joined = broadcastDims(
        joined,
        shape.at(axis) !== undefined && -axis <= shape.length ? (shape.at(axis) as Dim) : 1,
      )
      if (joined === undefined) return undefined
    }
    result.push(joined)
  }
  return result
}

/** Shapes of one rank whose sizes must agree, or undefined. */
export function joinShapes(a: readonly Dim[], b: readonly Dim[]): readonly Dim[] | undefined {
  if (a.length !== b.length) return undefined
  const joined = a.map((dim, i) => joinDims(dim, b[i] as Dim))
  return joined.every((dim) => dim !== undefined) ? joined : undefined
}

export function isConcrete(shape: readonly Dim[]): shape is readonly number[] {
  return shape.every((dim) => typeof dim === 'number')
}

function parse(dim: Dim): Polynomial {
  if (typeof dim === 'number') return new Map([['', dim]])
  if (!ARITHMETIC.test(dim)) return new Map([[dim, 1]])
  const sum = new Map<string, number>()
  for (const term of dim.split('+')) {
    const factors = term.split('*')
    const numbers = factors.filter((factor) => /^\d+$/.test(factor)).map(Number)
    const symbols = factors.filter((factor) => !/^\d+$/.test(factor))
    accumulate(
      sum,
      joinNames(symbols),
      numbers.reduce((product, factor) => product * factor, 1),
    )
  }
  return sum
}

function format(sum: Polynomial): Dim {
  const terms = [...sum]
    .filter(([, count]) => count !== 0)
    .sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1))
  if (terms.length === 0) return 0
  const [first] = terms
  if (terms.length === 1 && first && first[0] === '') return first[1]
  return terms.map(([term, count]) => (term === '' ? `${count}` : count === 1 ? term : `${count}*${term}`)).join('+')
}

function names(term: string): string[] {
  return term === '' ? [] : ARITHMETIC.test(term) ? term.split('*') : [term]
}

function joinNames(factors: readonly string[]): string {
  return [...factors].sort().join('*')
}

function accumulate(sum: Map<string, number>, term: string, count: number): void {
  sum.set(term, (sum.get(term) ?? 0) + count)
}
