import type { InferenceSession } from 'onnxruntime-web/wasm'
import { RekindleError } from '../errors.ts'
import { createSession, type OrtModel, TensorBridge, translateError, type ValueInfo } from './ort-session.ts'
import { createQueue, type Queue } from './queue.ts'
import type { Engine } from './types.ts'

/** Fatal only: what goes wrong is thrown, not printed. */
export const LOG_SEVERITY = 4

/** The WebAssembly build of ONNX Runtime: the engine of browsers, and of Node where the native package is missing. */
export async function loadWasmEngine(threads: number, notice?: string): Promise<Engine> {
  const ort = await import('onnxruntime-web/wasm').catch((error: unknown) => {
    throw new RekindleError('E_UNSUPPORTED_ENGINE', 'onnxruntime-web could not be loaded', { cause: error })
  })
  // One number for the whole module, fixed before its first session.
  ort.env.wasm.numThreads = threads
  ort.env.logLevel = 'fatal'
  // A run gives way to others before it has read its names and shapes from the module's one stack.
  const queue = createQueue()
  const bridge = new TensorBridge((type, data, dims) => new ort.Tensor(type, data, dims))
  return {
    description: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`,
    kind: 'wasm',
    ...(notice !== undefined && { notice }),
    async open(model, { optimize = 'basic' } = {}) {
      try {
        const settings = {
          executionProviders: ['wasm'],
          graphOptimizationLevel: optimize,
          enableCpuMemArena: true,
          logSeverityLevel: LOG_SEVERITY,
        } as const
        const session = await queue(() => ort.InferenceSession.create(model, settings))
        return createSession(asModel(session, queue), bridge)
      } catch (error) {
        throw translateError(error, 'opening the graph')
      }
    },
  }
}

function asModel(session: InferenceSession, queue: Queue): OrtModel {
  return {
    inputs: session.inputMetadata.map(asValueInfo),
    outputs: session.outputMetadata.map(asValueInfo),
    fillsFetches: false,
    run: (feeds, fetches) => queue(() => session.run(feeds, fetches, { logSeverityLevel: LOG_SEVERITY })),
    release: () => queue(() => session.release()),
  }
}

/** The public API's description of an input or output. */
export function asValueInfo(metadata: InferenceSession.ValueMetadata): ValueInfo {
  if (!metadata.isTensor) return { name: metadata.name, dtype: 'not a tensor', shape: [] }
  return { name: metadata.name, dtype: metadata.type, shape: metadata.shape }
}
