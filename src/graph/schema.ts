import type { Tensor } from '../tensor/index.ts'
import type { OpAttrs } from './attrs.generated.ts'
import type { Builder } from './builder.ts'
import type { Type, Value } from './ir.ts'

export type { OpAttrs } from './attrs.generated.ts'

/** The opset that every graph of the house is written in (`com.microsoft` operators enter by runtime passes only). */
export const OPSET = 21

export type OpName = keyof OpAttrs
export type AttrsOf<K extends OpName> = Readonly<OpAttrs[K]>

/** What an operator's `infer` sees of one input: its type and, where it is known, its constant content. */
export interface Operand extends Type {
  readonly constant?: Tensor | undefined
}

export interface GradContext<K extends OpName = OpName> {
  /** Where the rule writes. The node itself stands in this builder too. */
  readonly b: Builder
  readonly x: readonly (Value | null)[]
  readonly y: readonly Value[]
  /** The gradient of each output; null where the loss does not depend on it. */
  readonly dy: readonly (Value | null)[]
  readonly attrs: AttrsOf<K>
  /**
   * What the node's subgraphs read from the graphs around them, each value once. Their gradients follow those of
   * the inputs in the rule's result: `captures[i]` is number `x.length + i`.
   */
  readonly captures: readonly Value[]
  /** Is the gradient of input i (from `x.length` on: of a capture) asked for? A rule builds only those. */
  need(i: number): boolean
  /**
   * Reverse mode inside another builder, for rules of operators with subgraphs: the gradients of `wrt` when each of
   * `outputs` has the gradient at its place in `seeds`. Null where none flows. All are written into `b`.
   */
  pullback(
    b: Builder,
    outputs: readonly Value[],
    seeds: readonly (Value | null)[],
    wrt: readonly Value[],
  ): readonly (Value | null)[]
  /**
   * Gives the forward node further outputs (Scan's stash) and the attributes that make them.
   * The outputs it had stay the same values. Returns the new ones.
   */
  extend(attrs: AttrsOf<K>, more: number): readonly Value[]
}

/** One row of the operator table: all that the house knows about an operator. */
export interface OpDef<K extends OpName = OpName> {
  /** The opset version in which the operator got the form that is described here. */
  readonly since: number
  /** Defaults of the attributes; a required attribute is missing here. */
  readonly attrs: Partial<AttrsOf<K>>
  /** Least and most number of inputs. */
  readonly arity: readonly [least: number, most: number]
  /**
   * Output types from input types. Optional inputs are null. `outputs` is how many outputs are asked for.
   * @throws RekindleError `E_INVALID_SHAPE` or `E_INVALID_DTYPE` that names the operator and the shapes.
   */
  readonly infer: (x: readonly (Operand | null)[], attrs: AttrsOf<K>, outputs: number) => readonly Type[]
  /**
   * One gradient per input (and capture), null where none flows; of the input's shape or of one that broadcasting
   * made larger. `'none'` is a statement, not an omission: a gradient that is needed through such a row is an error.
   */
  readonly grad: ((g: GradContext<K>) => readonly (Value | null)[]) | 'none'
  /** Computes the outputs of constant inputs: shape arithmetic and other small work. */
  readonly fold?: (x: readonly (Tensor | null)[], attrs: AttrsOf<K>) => readonly Tensor[] | null
}

export type OpTable = { readonly [K in OpName]: OpDef<K> }
