import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-web/wasm'
import { RekindleError } from '../errors.ts'
import { dtypeFromOnnx } from '../tensor/index.ts'
import {
  createSession,
  type MakeOrtTensor,
  type OrtModel,
  type OrtTensors,
  TensorBridge,
  translateError,
  type ValueInfo,
} from './ort-session.ts'
import type { Engine, SessionOptions } from './types.ts'
import { asValueInfo, LOG_SEVERITY, loadWasmEngine } from './wasm-engine.ts'

/** Versions of onnxruntime-node whose inner binding is known; others run through the public, asynchronous API. */
const KNOWN_BINDING = /^1\.30\./

const MISSING_NOTICE =
  'onnxruntime-node is not available: using the WebAssembly engine, 2 to 3 times slower. ' +
  'The native one: ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node'

let engine: Promise<Engine> | undefined

/**
 * The engine of Node: native ONNX Runtime, or its WebAssembly build where the native package is not installed (then
 * `engine.notice` says so). `REKINDLE_ENGINE=native|wasm` forces one. Loaded once per process.
 *
 * @param onNotice called with the notice, if there is one.
 * @throws RekindleError `E_UNSUPPORTED_ENGINE` when the wanted engine cannot be loaded.
 */
export async function loadEngine(onNotice?: (line: string) => void): Promise<Engine> {
  engine ??= chooseEngine(process.env.REKINDLE_ENGINE).catch((error: unknown) => {
    engine = undefined
    throw error
  })
  const loaded = await engine
  if (loaded.notice !== undefined) onNotice?.(loaded.notice)
  return loaded
}

async function chooseEngine(forced: string | undefined): Promise<Engine> {
  switch (forced) {
    case undefined:
    case '':
      return loadNativeEngine() ?? loadWasmEngine(1, MISSING_NOTICE)
    case 'native': {
      const native = loadNativeEngine()
      if (native) return native
      throw new RekindleError('E_UNSUPPORTED_ENGINE', 'onnxruntime-node cannot be loaded', {
        hint: 'ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node',
      })
    }
    case 'wasm':
      return loadWasmEngine(1)
    default:
      throw new RekindleError('E_INVALID_ARGUMENT', 'unknown engine', {
        where: 'REKINDLE_ENGINE',
        expected: 'native or wasm',
        received: forced,
      })
  }
}

/** The inner binding of onnxruntime-node: the same session as the public one, but synchronous. */
interface NativeBinding {
  readonly InferenceSession: new () => NativeSession
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void
  readonly inputMetadata: readonly NativeMetadata[]
  readonly outputMetadata: readonly NativeMetadata[]
  run(feeds: OrtTensors, fetches: object, options: object): OrtTensors
  dispose(): void
}

interface NativeMetadata {
  readonly name: string
  readonly isTensor: boolean
  /** ONNX's number of the dtype. */
  readonly type: number
  /** -1 where the size is free. */
  readonly shape: readonly number[]
  readonly symbolicDimensions: readonly string[]
}

interface OrtPackage {
  readonly Tensor: TensorConstructor
  readonly InferenceSession: InferenceSession & typeof import('onnxruntime-web/wasm').InferenceSession
  readonly env: { logLevel?: string; versions: { common: string; node?: string } }
}

/** Null when the package is absent or its binary does not load on this machine. */
function loadNativeEngine(): Engine | null {
  const require = createRequire(import.meta.url)
  let ort: OrtPackage
  let binding: NativeBinding | null
  let version: string
  try {
    version = (require('onnxruntime-node/package.json') as { version: string }).version
    ort = require('onnxruntime-node') as OrtPackage
    ort.env.logLevel = 'fatal'
    binding = loadBinding(require, version)
  } catch {
    return null
  }
  const bridge = new TensorBridge(binding ? plainTensor : (type, data, dims) => new ort.Tensor(type, data, dims))
  return {
    description: `onnxruntime-node ${version}`,
    kind: 'native',
    async open(model, options = {}) {
      try {
        const settings = sessionSettings(options)
        if (binding) return createSession(synchronousModel(binding, model, settings), bridge)
        return createSession(asynchronousModel(await ort.InferenceSession.create(model, settings)), bridge)
      } catch (error) {
        throw translateError(error, 'opening the graph')
      }
    },
  }
}

/** What the binding reads of a tensor, as fields of its own: reading them takes half the time of a class's getters. */
const plainTensor: MakeOrtTensor = (type, data, dims) => ({ type, data, dims, location: 'cpu' }) as unknown as OrtTensor

/** The binding, if the package looks inside as the known versions do; null sends every run through the public API. */
function loadBinding(require: NodeJS.Require, version: string): NativeBinding | null {
  if (!KNOWN_BINDING.test(version)) return null
  const file = join(dirname(require.resolve('onnxruntime-node')), 'binding.js')
  const inner = require(file) as { binding?: Partial<NativeBinding>; initOrt?: () => void }
  const prototype = inner.binding?.InferenceSession?.prototype as Partial<NativeSession> | undefined
  const known = ['loadModel', 'run', 'dispose'] as const
  if (!prototype || !inner.initOrt || known.some((name) => typeof prototype[name] !== 'function')) return null
  inner.initOrt()
  return inner.binding as NativeBinding
}

/**
 * Spinning pays only when several threads wait for each other, and must stop between the steps.
 * `session.set_denormal_as_zero` is never set: it would switch the whole JavaScript thread to flush-to-zero.
 */
function sessionSettings({ threads = 1, optimize = 'basic' }: SessionOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimize,
    enableCpuMemArena: true,
    logSeverityLevel: LOG_SEVERITY,
    extra: {
      session: { force_spinning_stop: '1', intra_op: { allow_spinning: threads > 1 ? '1' : '0' } },
    },
  }
}

const RUN_OPTIONS = { logSeverityLevel: LOG_SEVERITY } as const

function synchronousModel(binding: NativeBinding, model: Uint8Array, settings: object): OrtModel {
  const session = new binding.InferenceSession()
  session.loadModel(model.buffer, model.byteOffset, model.byteLength, settings)
  const runSync: NonNullable<OrtModel['runSync']> = (feeds, fetches) => session.run(feeds, fetches, RUN_OPTIONS)
  return {
    inputs: session.inputMetadata.map(nativeValueInfo),
    outputs: session.outputMetadata.map(nativeValueInfo),
    fillsFetches: true,
    runSync,
    // The call blocks either way; the event loop gets its turn before it.
    run: (feeds, fetches) =>
      new Promise((resolve, reject) => {
        setImmediate(() => {
          try {
            resolve(runSync(feeds, fetches))
          } catch (error) {
            reject(error)
          }
        })
      }),
    release: () => session.dispose(),
  }
}

function asynchronousModel(session: InferenceSession): OrtModel {
  return {
    inputs: session.inputMetadata.map(asValueInfo),
    outputs: session.outputMetadata.map(asValueInfo),
    fillsFetches: true,
    run: (feeds, fetches) => session.run(feeds, fetches, RUN_OPTIONS),
    release: () => session.release(),
  }
}

function nativeValueInfo({ name, isTensor, type, shape, symbolicDimensions }: NativeMetadata): ValueInfo {
  if (!isTensor) return { name, dtype: 'not a tensor', shape: [] }
  const dims = shape.map((dim, i) => (dim === -1 ? (symbolicDimensions[i] ?? '') : dim))
  return { name, dtype: dtypeFromOnnx(type) ?? `type ${type}`, shape: dims }
}
