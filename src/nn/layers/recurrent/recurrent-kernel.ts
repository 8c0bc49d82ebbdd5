import type { Builder, Value } from '../../../graph/index.ts'

/**
 * The product of the states with the recurrent kernel, for steps that stand in a graph inside: what does not change
 * from step to step is cut outside.
 */
export class RecurrentKernel {
  readonly #outer: Builder
  readonly #kernel: Value
  readonly #bias: Value | null
  readonly #units: number
  readonly #noise: readonly Value[] | null

  /**
   * @param kernel `[units, gates · units]`.
   * @param bias `[gates · units]`, for all products or none.
   * @param noise what each gate multiplies the state with, `[batch, units]`; null for nothing.
   */
  constructor(outer: Builder, kernel: Value, bias: Value | null, units: number, noise: readonly Value[] | null) {
    this.#outer = outer
    this.#kernel = kernel
    this.#bias = bias
    this.#units = units
    this.#noise = noise
  }

  /** `state · kernel (+ bias)` for `count` gates from `first` on: `[batch, count · units]`. */
  product(b: Builder, state: Value, first: number, count: number): Value {
    const noise = this.#noise
    if (!noise) return this.#multiply(b, state, first, count)
    const parts = Array.from({ length: count }, (_, n) => {
      const gate = first + n
      return this.#multiply(b, b.op('Mul', [state, noise[gate] as Value]), gate, 1)
    })
    return count === 1 ? (parts[0] as Value) : b.op('Concat', parts, { axis: 1 })
  }

  #multiply(b: Builder, state: Value, first: number, count: number): Value {
    const bias = this.#bias && this.#columns(this.#bias, first, count)
    return b.op('Gemm', [state, this.#columns(this.#kernel, first, count), bias])
  }

  #columns(value: Value, first: number, count: number): Value {
    const outer = this.#outer
    if (value.shape.at(-1) === count * this.#units) return value
    const [start, end] = [first * this.#units, (first + count) * this.#units]
    return outer.op('Slice', [value, outer.ints([start]), outer.ints([end]), outer.ints([-1])])
  }
}
