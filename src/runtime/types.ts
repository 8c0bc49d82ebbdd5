import type { Tensor } from '../tensor/index.ts'

export interface SessionOptions {
  /** Threads inside one operator; 1 for small graphs. */
  readonly threads?: number
  /** `basic` for training graphs, `all` for inference with weights baked in. */
  readonly optimize?: 'disabled' | 'basic' | 'all'
}

/**
 * Names to tensors. Sessions keep what they derive from a feeds object, so a caller that reuses the same object with
 * the same tensors pays for the preparation once.
 */
export type Feeds = Readonly<Record<string, Tensor>>

/** A graph that is ready to run. */
export interface Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Runs the graph. `into` gives outputs their memory (views on wasm memory included); the other outputs are allocated.
   * @throws RekindleError `E_INVALID_SHAPE` or `E_INVALID_DTYPE` for feeds that do not fit.
   */
  run(feeds: Feeds, into?: Feeds): Promise<Record<string, Tensor>>
  /** The same without a promise, where the engine has it (5 µs a call instead of 10); undefined elsewhere. */
  readonly runSync?: (feeds: Feeds, into?: Feeds) => Record<string, Tensor>
  close(): Promise<void>
}

/** An engine: `runtime/node.ts` (native, or wasm said aloud) and `runtime/web.ts`. */
export interface Engine {
  /** `onnxruntime-node 1.30.0`. */
  readonly description: string
  readonly kind: 'native' | 'wasm'
  /** One line for the user when this engine is not the fast one: why, and the command that brings it. */
  readonly notice?: string
  open(model: Uint8Array, options?: SessionOptions): Promise<Session>
}
