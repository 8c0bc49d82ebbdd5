import { type ArrayOf, type Shape, sizeOf } from '../tensor/index.ts'

/** Each tensor is padded to this many floats: it starts on a cache line, and kernels need no tail. */
const ALIGNMENT = 16
export type Floats = ArrayOf<'float32'>

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT
const PAGE_BYTES = 65_536
/** One page below 4 GiB: no block may end at an address that wraps to 0. */
const MOST_PAGES = 65_535

export interface ParameterLayout {
  /** Shapes of the trainable float32 weights, in the order of the optimizer's variables. */
  readonly shapes: readonly Shape[]
  /** One number per optimizer slot: what fills it at the start. */
  readonly fills: readonly number[]
}

/**
 * The trained weights, their gradients and the optimizer's slots. With WebAssembly all lie in one memory, as blocks
 * [parameters | gradients | slot 0 | slot 1 …] of the same layout: the engine reads and writes the views without
 * copies, and a kernel runs over whole blocks. Weights of other dtypes and frozen ones live elsewhere. The memory is
 * freed with its last view.
 */
export interface ParameterMemory {
  readonly shapes: readonly Shape[]
  readonly parameters: readonly Floats[]
  readonly gradients: readonly Floats[]
  /** `slots[s][i]`: slot s of weight i. */
  readonly slots: readonly (readonly Floats[])[]
  /** Null where the numbers lie in plain arrays: then no kernel runs. */
  readonly wasm: WasmBlocks | null
}

export interface WasmBlocks {
  readonly memory: WebAssembly.Memory
  /** Floats in one block, paddings included. */
  readonly length: number
  /** Where each weight starts within a block, in floats. */
  readonly starts: readonly number[]
  /** Byte offsets of the blocks. */
  readonly parameters: number
  readonly gradients: number
  readonly slots: readonly number[]
}

/**
 * Makes room once and for all: a WebAssembly memory that grows would detach its views.
 * Without WebAssembly, from 4 GiB on (16 bytes per parameter with Adam) or where the system refuses so large a
 * memory, the numbers lie in plain arrays, and the optimizer runs in its in-graph form.
 */
export function allocateParameters({ shapes, fills }: ParameterLayout): ParameterMemory {
  const sizes = shapes.map(sizeOf)
  const { starts, length } = layOut(sizes)
  const addresses = Array.from({ length: 2 + fills.length }, (_, block) => block * length * FLOAT_BYTES)
  const memory = reserve(addresses.length * length * FLOAT_BYTES)
  const [parameters = [], gradients = [], ...slots] = addresses.map((address) =>
    sizes.map((size, i) => {
      const start = starts[i] as number
      return memory ? new Float32Array(memory.buffer, address + start * FLOAT_BYTES, size) : new Float32Array(size)
    }),
  )
  for (const [s, fill] of fills.entries()) if (fill !== 0) for (const view of slots[s] ?? []) view.fill(fill)
  const [parametersAt = 0, gradientsAt = 0, ...slotsAt] = addresses
  const wasm = memory && { memory, length, starts, parameters: parametersAt, gradients: gradientsAt, slots: slotsAt }
  return { shapes, parameters, gradients, slots, wasm }
}

function layOut(sizes: readonly number[]): { starts: readonly number[]; length: number } {
  let length = 0
  const starts = sizes.map((size) => {
    const start = length
    length += Math.ceil(size / ALIGNMENT) * ALIGNMENT
    return start
  })
  return { starts, length }
}

function reserve(bytes: number): WebAssembly.Memory | null {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  if (typeof WebAssembly === 'undefined' || pages > MOST_PAGES) return null
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages })
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
