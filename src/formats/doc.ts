import type { Graph } from '../graph/index.ts'
import type { Json, JsonObject, Tree } from '../nn/types.ts'
import type { DType, Tensor } from '../tensor/index.ts'

/** JSON as a file holds it. Number spellings that JavaScript would lose are kept by `bytes/json.ts`. */
export type { Json, JsonObject, Tree } from '../nn/types.ts'

/** Output `output` of the `call`-th call of layer `layer`. */
export interface TensorRef {
  readonly layer: string
  readonly call: number
  readonly output: number
}

/** An argument of a call: a tensor of the graph, or a constant. */
export type Argument = { readonly tensor: TensorRef } | { readonly constant: Json }

export interface LayerCall {
  readonly layer: string
  readonly args: readonly Tree<Argument>[]
  readonly kwargs: { readonly [name: string]: Tree<Argument> }
}

/** One layer as a file describes it, in the spelling of Keras 3. It is listed once, however often it is called. */
export interface LayerSpec {
  readonly className: string
  readonly name: string
  readonly config: JsonObject
  readonly trainable: boolean
  /** Set when the layer is itself a model. */
  readonly graph?: LayerGraph
  /** The node as it was in the file, for layers that we only carry. */
  readonly raw?: Json
  readonly registeredName?: string | null
  readonly module?: string | null
  /** Keras 3's `build_config`. */
  readonly buildConfig?: Json
}

/** A model made of layers. A Sequential is a chain of calls; its InputLayer may be absent until the shape is known. */
export interface LayerGraph {
  readonly kind: 'sequential' | 'functional'
  readonly className: string
  readonly name: string
  readonly layers: readonly LayerSpec[]
  readonly calls: readonly LayerCall[]
  readonly inputs: Tree<TensorRef>
  readonly outputs: Tree<TensorRef>
}

/** A tensor that is read when it is asked for. */
export interface LazyTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  load(): Promise<Tensor>
}

/** Compile settings in Keras 3's serialised form: strings or `{ class_name, config }` objects. */
export interface CompileSpec {
  readonly optimizer: Json
  readonly loss: Json
  readonly lossWeights: Json
  readonly metrics: Json
  readonly weightedMetrics: Json
}

/** Which slot of which weight: `{ weight: 'dense/kernel', slot: 'velocity' }`; weight null for the optimizer's own scalars. */
export interface OptimizerSlot {
  readonly weight: string | null
  readonly slot: string
  readonly value: LazyTensor
}

/** Where a run stands. Keras has no place for most of it: it travels in Rekindle's own entry, which Keras ignores. */
export interface RunState {
  readonly seed: number
  /** Training steps done under this seed: the position of every random stream. */
  readonly step: number
  readonly epoch: number
  /** Steps done in the unfinished epoch; 0 at its start. */
  readonly stepInEpoch: number
  readonly threads?: number
  readonly [extra: string]: Json | undefined
}

export interface TrainingState {
  readonly compile: CompileSpec | null
  /** The optimizer's update count (Keras's `iterations`). */
  readonly iterations: number | null
  readonly slots: readonly OptimizerSlot[]
  readonly run: RunState | null
}

export type Architecture =
  | ({ readonly kind: 'layers' } & { readonly graph: LayerGraph })
  | { readonly kind: 'graph'; readonly graph: Graph }
  | { readonly kind: 'weights' }

export interface ModelWarning {
  /** Short and stable, for programs. */
  readonly code: string
  /** One sentence, with what to do. */
  readonly message: string
  readonly where?: string
}

/** What every codec reads and writes. No engine, and no weight bytes until they are asked for. */
export interface ModelDoc {
  /** Codec id, e.g. `keras-h5`. */
  readonly format: string
  /** For people: `Keras 2.15 HDF5, whole model`. */
  readonly description: string
  readonly producer: { readonly name: string; readonly version: string | null }
  readonly architecture: Architecture
  /** By canonical key: names of the layers down to the weight (`encoder/dense/kernel`), in the file's order. */
  readonly weights: ReadonlyMap<string, LazyTensor>
  readonly training: TrainingState | null
  readonly assets: ReadonlyMap<string, LazyTensor>
  readonly rawConfig: Json
  readonly warnings: readonly ModelWarning[]
  /** Lets go of the file behind the lazy tensors. */
  close(): Promise<void>
}
