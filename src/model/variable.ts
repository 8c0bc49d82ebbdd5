import { RekindleError } from '../errors.ts'
import type { WeightSpec } from '../nn/types.ts'
import {
  castTensor,
  type DType,
  formatShape,
  type NestedArray,
  type Shape,
  sameShape,
  sizeOf,
  Tensor,
  tensor,
} from '../tensor/index.ts'

/** What a memory in which weights are trained counts: the updates that it has seen. */
export interface UpdateCount {
  readonly updates: number
}

/**
 * One weight of a live model. Its tensor's memory may move (into the training memory and back), so readers ask for
 * `value` each time; writers copy into it.
 */
export class Variable {
  readonly name: string
  readonly shape: Shape
  readonly dtype: DType
  readonly spec: WeightSpec
  #changes = 0
  /** Who trains the value where it lies now, and what its count was when the value came there. */
  #trainer: { readonly count: UpdateCount; readonly since: number } | null = null
  #value: Tensor | null
  readonly #initialize: () => Tensor

  /** `initialize` runs when the value is first asked for and nothing was assigned before. */
  constructor(spec: WeightSpec, shape: Shape, initialize: () => Tensor) {
    this.name = spec.name
    this.spec = spec
    this.shape = shape
    this.dtype = spec.dtype ?? 'float32'
    this.#value = null
    this.#initialize = initialize
  }

  /** Counts every change, so that baked copies know when they are stale. */
  get version(): number {
    return this.#changes + (this.#trainer ? this.#trainer.count.updates - this.#trainer.since : 0)
  }

  /** The live tensor: a view, not a copy. */
  get value(): Tensor {
    this.#value ??= this.#initialize()
    return this.#value
  }

  /**
   * The content as a tensor of this variable's shape and dtype. A flat array of the right length takes the shape.
   * @throws RekindleError `E_INVALID_WEIGHTS` for another shape.
   */
  accept(content: Tensor | NestedArray, where = this.name): Tensor {
    let given = tensor(content)
    if (given.shape.length === 1 && given.size === sizeOf(this.shape)) given = given.reshape(this.shape)
    if (!sameShape(given.shape, this.shape)) {
      throw new RekindleError('E_INVALID_WEIGHTS', 'weight of another shape', {
        where,
        expected: formatShape(this.shape),
        received: formatShape(given.shape),
      })
    }
    return castTensor(given, this.dtype)
  }

  /** Takes over new content, into the memory that the variable has. */
  assign(content: Tensor | NestedArray, where = this.name): void {
    const accepted = this.accept(content, where)
    if (this.#value === null) this.#value = sharesMemory(accepted, content) ? accepted.clone() : accepted
    else (this.#value.data as Float32Array).set(accepted.data as Float32Array)
    this.#changes++
  }

  /**
   * Moves the value into other memory: `memory` is of the same shape and dtype and takes the present content.
   * @param trainer counts the updates that the memory gets behind the variable's back.
   */
  moveTo(memory: Tensor, trainer?: UpdateCount): void {
    ;(memory.data as Float32Array).set(this.value.data as Float32Array)
    this.#value = memory
    this.#changes = this.version
    this.#trainer = trainer ? { count: trainer, since: trainer.updates } : null
  }
}

function sharesMemory({ data }: Tensor, content: Tensor | NestedArray): boolean {
  const given = content instanceof Tensor ? content.data : content
  return ArrayBuffer.isView(data) && ArrayBuffer.isView(given) && data.buffer === given.buffer
}
