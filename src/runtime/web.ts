import type { Engine } from './types.ts'
import { loadWasmEngine } from './wasm-engine.ts'

/** Threads need shared memory, which a page has only when it is cross-origin isolated. */
const MOST_THREADS = 4

let engine: Promise<Engine> | undefined

/**
 * The engine of a browser: onnxruntime-web on the CPU.
 * @throws RekindleError `E_UNSUPPORTED_ENGINE` when it cannot be loaded.
 */
export function loadEngine(): Promise<Engine> {
  engine ??= loadWasmEngine(availableThreads()).catch((error: unknown) => {
    engine = undefined
    throw error
  })
  return engine
}

function availableThreads(): number {
  if (globalThis.crossOriginIsolated !== true) return 1
  return Math.max(1, Math.min(MOST_THREADS, Math.floor(navigator.hardwareConcurrency / 2)))
}
