import { writeAtomically } from '#platform'
import {
  encodeNpy,
  formatJson,
  type JsonValue,
  LIMITS,
  parseJson,
  planNpz,
  readAll,
  readNpy,
  readNpz,
  type Source,
  toSource,
} from '../../bytes/index.ts'
import { RekindleError } from '../../errors.ts'
import { type NestedArray, Tensor } from '../../tensor/index.ts'
import type { ArrayInput } from './arrays.ts'
import { csvLines, parseCsv } from './csv.ts'

type NamedArrays = ReadonlyMap<string, ArrayInput>
type NamedTensors = ReadonlyMap<string, Tensor>
type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** A kind of file that holds arrays. */
interface ArrayFormat {
  /** True when the file holds several arrays by name. */
  readonly named: boolean
  read(source: Source): Promise<NamedArrays>
  write(arrays: NamedTensors): Promise<Chunks>
}

/** The name of an array that has none, as numpy gives it. */
const UNNAMED = 'arr_0'

const FORMATS: { readonly [extension: string]: ArrayFormat } = {
  '.npy': {
    named: false,
    read: async (source) => new Map([[UNNAMED, await readNpy(source)]]),
    write: async (arrays) => [await encodeNpy(onlyTensor(arrays, '.npy'))],
  },
  '.npz': {
    named: true,
    read: async (source) => {
      const arrays = new Map<string, Tensor>()
      for (const [name, stored] of await readNpz(source)) arrays.set(name, await stored.load())
      return arrays
    },
    write: async (arrays) => {
      const stored = [...arrays].map(
        ([name, tensor]) => [name, { dtype: tensor.dtype, shape: tensor.shape, load: async () => tensor }] as const,
      )
      return (await planNpz(new Map(stored))).chunks()
    },
  },
  '.csv': {
    named: false,
    read: async (source) => new Map([[UNNAMED, parseCsv(await readAll(source), source.name)]]),
    write: async (arrays) => encodeText(csvLines(onlyTensor(arrays, '.csv'))),
  },
  '.json': {
    named: true,
    read: async (source) => jsonArrays(parseNumbers(await readAll(source, LIMITS.jsonText), source.name)),
    write: async (arrays) => {
      const values = Object.fromEntries([...arrays].map(([name, tensor]) => [name, jsonOf(tensor)]))
      const [only] = arrays.size === 1 ? Object.values(values) : []
      return encodeText([formatJson(only ?? values), '\n'])
    },
  },
}

function formatOf(path: string, where: string): ArrayFormat {
  const extension = Object.keys(FORMATS).find((known) => path.toLowerCase().endsWith(known))
  if (extension !== undefined) return FORMATS[extension] as ArrayFormat
  throw new RekindleError('E_UNSUPPORTED_FORMAT', 'not a file of arrays', {
    where,
    expected: Object.keys(FORMATS).join(', '),
    received: path,
  })
}

/**
 * The arrays of an `.npy`, `.npz`, `.csv` or `.json` file by name; a file of one array calls it `arr_0`.
 * JSON holds nested lists, or an object of them.
 *
 * @throws RekindleError for another extension, and for files that cannot be read or hold something else.
 */
export async function readArrays(path: string): Promise<NamedArrays> {
  const format = formatOf(path, 'input')
  const source = await toSource(path)
  try {
    return await format.read(source)
  } finally {
    await source.close?.()
  }
}

/**
 * Writes arrays; the extension picks the form: `.npz` and `.json` hold several, `.npy` and `.csv` a single one.
 * The file appears whole or not at all.
 */
export async function writeArrays(path: string, arrays: NamedTensors): Promise<void> {
  const chunks = await formatOf(path, 'output').write(arrays)
  await writeAtomically(path, async (write) => {
    for await (const chunk of chunks) await write(chunk)
  })
}

/**
 * Can arrays of these names be written there? Asked before the work that makes them.
 * @throws RekindleError `E_UNSUPPORTED_FORMAT`, or `E_INVALID_ARGUMENT` for several arrays in a file of one.
 */
export function checkArrayOutput(path: string, names: readonly string[]): void {
  if (!formatOf(path, 'output').named && names.length > 1) throw tooMany(path, names)
}

function onlyTensor(arrays: NamedTensors, where: string): Tensor {
  const [only] = arrays.values()
  if (only === undefined || arrays.size > 1) throw tooMany(where, [...arrays.keys()])
  return only
}

function tooMany(where: string, names: readonly string[]): RekindleError {
  return new RekindleError('E_INVALID_ARGUMENT', 'a file for one array', {
    where,
    received: `${names.length}: ${names.join(', ')}`,
    hint: 'an .npz holds several',
  })
}

/** JavaScript's own parser first, because it is many times faster; ours reads what Python writes (NaN). */
function parseNumbers(bytes: Uint8Array, name: string): JsonValue {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as JsonValue
  } catch {
    return parseJson(bytes, { name }).value
  }
}

function jsonArrays(value: JsonValue): NamedArrays {
  const named = typeof value === 'object' && value !== null && !Array.isArray(value)
  return new Map(named ? (Object.entries(value) as [string, NestedArray][]) : [[UNNAMED, value as NestedArray]])
}

function jsonOf(tensor: Tensor): JsonValue {
  const { data } = tensor
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return tensor.toArray() as JsonValue
  return new Tensor('float64', tensor.shape, Float64Array.from(data, Number)).toArray() as JsonValue
}

function* encodeText(parts: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  for (const part of parts) yield encoder.encode(part)
}
