import type { Tensor as OrtTensor } from 'onnxruntime-web/wasm'
import { RekindleError } from '../errors.ts'
import { type DType, formatShape, sameShape, Tensor } from '../tensor/index.ts'
import type { Feeds, Session } from './types.ts'

export type OrtTensors = Record<string, OrtTensor>
/** The wanted outputs: a tensor to be filled in place, or null for a new one. */
export type Fetches = Record<string, OrtTensor | null>

/** One input or output as the loaded model declares it. A string in the shape is a free size. */
export interface ValueInfo {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly (number | string)[]
}

/** What a package must give for one loaded model: the native binding and the wasm build do it in two ways. */
export interface OrtModel {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  run(feeds: OrtTensors, fetches: Fetches): Promise<OrtTensors>
  runSync?(feeds: OrtTensors, fetches: Fetches): OrtTensors
  /** True when a tensor in `fetches` is really filled (the wasm build ignores its memory). */
  readonly fillsFetches: boolean
  release(): void | Promise<void>
}

/** Dtypes that ONNX Runtime's JavaScript tensors carry, under the same names as ours. */
const FEEDABLE: ReadonlySet<string> = new Set<DType>([
  'bool',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float16',
  'float32',
  'float64',
  'string',
])

/** Written for one dtype, used for all. */
export type MakeOrtTensor = (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor

/** Our tensor as theirs. It shares the memory, so it is made once per tensor. */
export class TensorBridge {
  readonly #make: MakeOrtTensor
  readonly #known = new WeakMap<Tensor, OrtTensor>()

  constructor(make: MakeOrtTensor) {
    this.#make = make
  }

  toOrt(source: Tensor, where: string): OrtTensor {
    const known = this.#known.get(source)
    if (known) return known
    if (!FEEDABLE.has(source.dtype)) {
      throw new RekindleError('E_UNSUPPORTED_DTYPE', `the engine takes no ${source.dtype} tensors`, { where })
    }
    const made = this.#make(source.dtype as 'float32', source.data as Float32Array, source.shape)
    this.#known.set(source, made)
    return made
  }

  fromOrt(source: OrtTensor): Tensor {
    const dtype = source.type as DType
    const data = source.data
    // Newer JavaScript engines hand float16 over in a Float16Array; ours are raw bits.
    const bits =
      dtype === 'float16' && ArrayBuffer.isView(data) && !(data instanceof Uint16Array)
        ? new Uint16Array(data.buffer, data.byteOffset, source.size)
        : data
    return new Tensor(dtype, source.dims, bits as never)
  }
}

/** What is remembered about a feeds or `into` object: the tensors that were in it, checked and converted. */
interface Prepared<T> {
  readonly sources: (Tensor | undefined)[]
  readonly ort: T
}

/** A loaded model as a `Session`: feeds are checked against the declared types before the engine sees them. */
export function createSession(model: OrtModel, bridge: TensorBridge): Session {
  const inputs = model.inputs.map(({ name }) => name)
  const outputs = model.outputs.map(({ name }) => name)
  const allNew: Fetches = Object.fromEntries(outputs.map((name) => [name, null]))
  const preparedFeeds = new WeakMap<Feeds, Prepared<OrtTensors>>()
  const preparedFetches = new WeakMap<Feeds, Prepared<Fetches>>()
  let open = true

  const requireOpen = (): void => {
    if (!open) throw new RekindleError('E_INVALID_STATE', 'this session is closed')
  }

  /** Converts what has changed since the object was seen last; in a training loop only the batch does. */
  const prepare = (feeds: Feeds): OrtTensors => {
    let prepared = preparedFeeds.get(feeds)
    if (!prepared) {
      refuseUnknown(feeds, inputs, 'input')
      prepared = { sources: [], ort: {} }
      preparedFeeds.set(feeds, prepared)
    }
    let changed = false
    for (let i = 0; i < inputs.length; i++) {
      const info = model.inputs[i] as ValueInfo
      const source = feeds[info.name]
      if (source !== undefined && source === prepared.sources[i]) continue
      if (source === undefined) throw new RekindleError('E_INVALID_ARGUMENT', `no value for the input ${info.name}`)
      checkFit(source, info)
      prepared.ort[info.name] = bridge.toOrt(source, info.name)
      prepared.sources[i] = source
      changed = true
    }
    if (changed) {
      preparedFeeds.delete(feeds)
      checkFreeSizes(feeds, model.inputs)
      preparedFeeds.set(feeds, prepared)
    }
    return prepared.ort
  }

  const fetchesFor = (into: Feeds | undefined): Fetches => {
    if (!into) return allNew
    let prepared = preparedFetches.get(into)
    if (!prepared) {
      refuseUnknown(into, outputs, 'output')
      prepared = { sources: [], ort: { ...allNew } }
      preparedFetches.set(into, prepared)
    }
    for (let i = 0; i < outputs.length; i++) {
      const info = model.outputs[i] as ValueInfo
      const target = into[info.name]
      if (target === prepared.sources[i]) continue
      if (target) checkFit(target, info)
      prepared.ort[info.name] = target && model.fillsFetches ? bridge.toOrt(target, info.name) : null
      prepared.sources[i] = target
    }
    return prepared.ort
  }

  const collect = (results: OrtTensors, into: Feeds | undefined): Record<string, Tensor> => {
    const collected: Record<string, Tensor> = {}
    for (const name of outputs) {
      const result = results[name] as OrtTensor
      const target = into?.[name]
      if (target && !model.fillsFetches) copyInto(target, bridge.fromOrt(result), name)
      collected[name] = target ?? bridge.fromOrt(result)
    }
    return collected
  }

  const synchronous = model.runSync?.bind(model)
  return {
    inputs,
    outputs,
    async run(feeds, into) {
      requireOpen()
      const ortFeeds = prepare(feeds)
      const fetches = fetchesFor(into)
      try {
        return collect(await model.run(ortFeeds, fetches), into)
      } catch (error) {
        throw translateError(error)
      }
    },
    ...(synchronous && {
      runSync(feeds: Feeds, into?: Feeds): Record<string, Tensor> {
        requireOpen()
        const ortFeeds = prepare(feeds)
        const fetches = fetchesFor(into)
        try {
          return collect(synchronous(ortFeeds, fetches), into)
        } catch (error) {
          throw translateError(error)
        }
      },
    }),
    async close() {
      if (!open) return
      open = false
      await model.release()
    },
  }
}

function refuseUnknown(given: Feeds, known: readonly string[], kind: 'input' | 'output'): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new RekindleError('E_INVALID_ARGUMENT', `the graph has no ${kind} ${unknown}`, { expected: known.join(', ') })
}

function checkFit(given: Tensor, { name, dtype, shape }: ValueInfo): void {
  if (given.dtype !== dtype) {
    throw new RekindleError('E_INVALID_DTYPE', 'wrong dtype', { where: name, expected: dtype, received: given.dtype })
  }
  const fits =
    given.shape.length === shape.length && shape.every((dim, i) => typeof dim === 'string' || dim === given.shape[i])
  if (!fits) throw wrongShape(name, shape, given.shape)
}

/** Equal names of free sizes must be equal sizes (an empty name says nothing). */
function checkFreeSizes(feeds: Feeds, infos: readonly ValueInfo[]): void {
  const sizes = new Map<string, number>()
  for (const { name, shape } of infos) {
    const given = (feeds[name] as Tensor).shape
    for (const [axis, dim] of shape.entries()) {
      if (typeof dim === 'number' || dim === '') continue
      const size = sizes.get(dim) ?? (given[axis] as number)
      if (size !== given[axis]) {
        const expected = shape.map((d) => (d === dim ? size : d))
        throw wrongShape(name, expected, given)
      }
      sizes.set(dim, size)
    }
  }
}

function wrongShape(where: string, expected: readonly (number | string)[], received: readonly number[]): RekindleError {
  return new RekindleError('E_INVALID_SHAPE', 'wrong shape', {
    where,
    expected: formatShape(expected),
    received: formatShape(received),
  })
}

function copyInto(target: Tensor, source: Tensor, name: string): void {
  if (!sameShape(target.shape, source.shape)) throw wrongShape(name, source.shape, target.shape)
  if (Array.isArray(target.data)) target.data.splice(0, target.data.length, ...(source.data as string[]))
  else (target.data as Uint8Array).set(source.data as Uint8Array)
}

/** Memory handed over for an output whose shape the run does not give; two wordings, from two places in the engine. */
const OUTPUT_MISFITS = [
  /provided for output '(?<name>[^']*)'.* has shape \{(?<received>[\d,]*)\} but .* is \{(?<expected>[\d,]*)\}/s,
  /invalid dimensions for output: (?<name>\S+)/,
]

/** What stands before the reason in a message: heads, source files with line and function, C++ signatures. */
const NOISE = [
  /^.*(Status Message|ERROR_MESSAGE): /s,
  /^.*\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /s,
  /\S*[\\/]\S*/g,
  /\b[\w.]+\.(h|cc|cpp):\d+( \w+)?/g,
  /^.*\w+::\w+\([^)]*\)( const)?/,
]

/**
 * An error of ONNX Runtime in one plain line: the operator and the reason, without source paths and signatures.
 * The original is kept as `cause`.
 */
export function translateError(error: unknown, doing = 'running the graph'): RekindleError {
  if (error instanceof RekindleError) return error
  const raw = error instanceof Error ? error.message : String(error)
  const operator = /while running (\S+) node/.exec(raw)?.[1]
  const place = operator === undefined ? doing : `${doing}, operator ${operator}`
  if (/bad_alloc|failed to allocate|out of memory/i.test(raw)) {
    return new RekindleError('E_LIMIT', `not enough memory while ${place}`, { cause: error })
  }
  if (/unsupported data ?type/i.test(raw)) {
    return new RekindleError('E_UNSUPPORTED_DTYPE', `the engine has no tensors of a dtype needed for ${place}`, {
      cause: error,
    })
  }
  for (const pattern of OUTPUT_MISFITS) {
    const { name, expected, received } = pattern.exec(raw)?.groups ?? {}
    if (name === undefined) continue
    return new RekindleError('E_INVALID_SHAPE', 'the memory given for this output has the wrong shape', {
      where: name,
      ...(expected !== undefined && { expected: `[${expected}]` }),
      ...(received !== undefined && { received: `[${received}]` }),
      cause: error,
    })
  }
  const reason = NOISE.reduce((text, noise) => text.replace(noise, ' '), raw)
    .replace(/\s+/g, ' ')
    .trim()
  return new RekindleError('E_UNSUPPORTED_ENGINE', `the engine failed while ${place}: ${reason || 'no reason given'}`, {
    cause: error,
  })
}
