import { RekindleError } from '../../errors.ts'
import { type NestedArray, type Shape, sizeOf, Tensor, tensor } from '../../tensor/index.ts'
import { readArrays } from './files.ts'
import { fitTensor, type TensorSpec } from './spec.ts'

/** One array of numbers, or the path of a `.npy`, `.npz` or `.csv` file that holds it. */
export type ArrayInput = NestedArray | Tensor

/** What stands for the arrays of a model: one array; one per input, in order; or by name. */
export type DataInput = ArrayInput | readonly ArrayInput[] | { readonly [name: string]: ArrayInput }

/**
 * The arrays as tensors that fit the specs, one per spec and in their order. Arrays that fit already are not copied.
 *
 * - A flat typed array is cut into the rows of its spec, when its length allows that.
 * - A string is the path of a file; an `.npz` is taken by the names of the specs, by the name of the argument (`x`),
 *   or by position when it holds unnamed arrays or as many as are wanted: one.
 *
 * @param where Name of the argument for messages: `x`.
 * @throws RekindleError that says what was expected and received: `E_INVALID_SHAPE`, `E_INVALID_DTYPE`,
 *   `E_INVALID_DATA`, and the errors of reading a file.
 */
export async function toTensors(data: DataInput, specs: readonly TensorSpec[], where: string): Promise<Tensor[]> {
  const given = typeof data === 'string' ? await readArrays(data) : data
  const arrays = arraysFor(given, specs, where)
  const tensors: Tensor[] = []
  for (const [i, spec] of specs.entries()) {
    const label = specs.length === 1 ? where : `${where}.${spec.name}`
    const array = arrays[i] as ArrayInput
    const loaded = typeof array === 'string' ? onlyArray(await readArrays(array), label) : array
    tensors.push(toTensor(loaded, spec, label))
  }
  return tensors
}

/** One array as a tensor that fits its spec; see `toTensors`. */
export function toTensor(array: ArrayInput, spec: TensorSpec, where: string): Tensor {
  return fitTensor(array instanceof Tensor ? array : numbersOf(array, spec, where), spec, where)
}

function numbersOf(array: NestedArray, spec: TensorSpec, where: string): Tensor {
  try {
    if (ArrayBuffer.isView(array)) {
      const flat = tensor(array)
      const shape = rowShape(flat.size, spec)
      return shape === null ? flat : flat.reshape(shape)
    }
    return tensor(array, spec.dtype === 'string' ? { dtype: 'string' } : {})
  } catch (error) {
    if (!(error instanceof RekindleError)) throw error
    throw new RekindleError(error.code, `${where}: ${error.message}`, { cause: error })
  }
}

/** The shape that a flat array has as rows of the spec; null when the rows are not known or do not come out even. */
function rowShape(length: number, { shape }: TensorSpec): Shape | null {
  const row = shape?.slice(1) ?? [null]
  if (row.length === 0 || row.includes(null)) return null
  const width = sizeOf(row as number[])
  return width > 0 && length % width === 0 ? [length / width, ...(row as number[])] : null
}

type NamedArrays = ReadonlyMap<string, ArrayInput>

function arraysFor(data: DataInput | NamedArrays, specs: readonly TensorSpec[], where: string): readonly ArrayInput[] {
  const names = specs.map((spec) => spec.name)
  if (data instanceof Map) return fromNames(data as NamedArrays, names, where)
  if (isRecord(data)) return fromNames(new Map(Object.entries(data)), names, where)
  if (specs.length === 1 && isListOfSeveral(data)) {
    throw new RekindleError('E_INVALID_DATA', 'one array is wanted', {
      where,
      expected: names.join(', '),
      received: `a list of ${data.length} tensors`,
    })
  }
  if (specs.length === 1) return [isListOfOne(data) ? (data[0] as ArrayInput) : (data as ArrayInput)]
  if (Array.isArray(data) && data.length === specs.length) return data as readonly ArrayInput[]
  throw new RekindleError('E_INVALID_DATA', 'not one array for each name', {
    where,
    expected: `${names.length} arrays: ${names.join(', ')}`,
    received: Array.isArray(data) ? `a list of ${data.length}` : 'one array',
  })
}

function fromNames(given: NamedArrays, names: readonly string[], where: string): readonly ArrayInput[] {
  if (names.every((name) => given.has(name))) return names.map((name) => given.get(name) as ArrayInput)
  // `savez(file, x=…, y=…)`: arrays called like the argument that they are given for.
  const own = names.length === 1 ? given.get(where) : undefined
  if (own !== undefined) return [own]
  const keys = [...given.keys()]
  const unnamed = keys.every((key, i) => key === `arr_${i}`)
  if (keys.length === names.length && (unnamed || keys.length === 1)) return [...given.values()]
  throw new RekindleError('E_INVALID_DATA', 'the names of the arrays do not match', {
    where,
    expected: names.join(', '),
    received: keys.length === 0 ? 'no arrays' : keys.join(', '),
  })
}

function onlyArray(arrays: NamedArrays, where: string): ArrayInput {
  const [first, ...others] = arrays.values()
  if (first !== undefined && others.length === 0) return first
  throw new RekindleError('E_INVALID_DATA', 'a file for one array', {
    where,
    expected: 'one array',
    received: `${arrays.size}: ${[...arrays.keys()].join(', ')}`,
  })
}

function isRecord(data: unknown): data is { readonly [name: string]: ArrayInput } {
  return (
    typeof data === 'object' &&
    data !== null &&
    !Array.isArray(data) &&
    !ArrayBuffer.isView(data) &&
    !(data instanceof Tensor)
  )
}

/** `[tensor, tensor]` for one input: rows that are tensors are not stacked. */
function isListOfSeveral(data: unknown): data is readonly Tensor[] {
  return Array.isArray(data) && data.length > 1 && data[0] instanceof Tensor
}

/** `[tensor]` or `['x.npy']` for the only input; a list of numbers or rows is an array itself. */
function isListOfOne(data: unknown): data is readonly [Tensor | string] {
  return Array.isArray(data) && data.length === 1 && (data[0] instanceof Tensor || typeof data[0] === 'string')
}
