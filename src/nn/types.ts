import type { Builder, Type, Value } from '../graph/index.ts'
import type { DType } from '../tensor/index.ts'

/** Plain JSON. Configs are JSON all through: what is in a file is what a layer works with. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** A Keras object in a config: a name (`'relu'`), `{ class_name, config }`, or null for none. */
export type Identifier = string | { readonly class_name: string; readonly config: JsonObject } | null

/** A value nested in lists and dictionaries, as Keras nests arguments, inputs and outputs. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> }

/** One weight of a layer. The order of a layer's specs is the order in which Keras creates and saves them. */
export interface WeightSpec {
  /** Keras's own: `kernel`, `moving_mean`. */
  readonly name: string
  /** Where `.weights.h5` keeps it below the layer, when that is not the layer itself (`cell` for an LSTM). */
  readonly path?: string
  /** Shape from the types of the layer's inputs; the batch dimension is symbolic there. */
  readonly shape: (inputs: readonly Type[]) => readonly number[]
  readonly initializer: Identifier
  /** For a vector whose equal parts begin differently (LSTM's forget gate): their initializers, in order. */
  readonly blocks?: readonly Identifier[]
  readonly regularizer?: Identifier
  readonly constraint?: Identifier
  /** False for statistics such as `moving_mean`, which no optimizer touches. */
  readonly trainable: boolean
  readonly dtype?: DType
}

/** How a config key is written in a file and checked when it is read; a key that is not listed is plain JSON. */
export type ConfigField = 'activation' | 'initializer' | 'regularizer' | 'constraint'

/** The uniform random numbers of one training step: every draw has its own stream and position. */
export interface RandomStream {
  /** float32 in [0, 1), of the given shape. 16 bits take half the time of 24 and are enough for a mask. */
  uniform(b: Builder, shape: readonly number[], bits?: 16 | 24): Value
}

export interface LayerContext<C> {
  readonly b: Builder
  readonly config: C
  readonly name: string
  /** True while the graph of a training step is built. */
  readonly training: boolean
  /** True in the graph of a training step, also for a call that was told not to train. */
  readonly gradients: boolean
  /** Is the layer's own `trainable` set? BatchNormalization asks. */
  readonly trainable: boolean
  weight(name: string): Value
  readonly random: RandomStream
}

export interface CallArguments {
  /** One mask per input, null where there is none. */
  readonly masks: readonly (Value | null)[]
  /** Further arguments of the call by name, as recorded in the file. */
  readonly kwargs: { readonly [name: string]: unknown }
}

export interface CallResult {
  readonly outputs: Tree<Value>
  /** Masks of the outputs; absent: the mask of the only input passes through if the layer `supportsMasking`. */
  readonly masks?: readonly (Value | null)[]
  /** New values of weights that the step itself changes (moving statistics). */
  readonly updates?: readonly { readonly weight: string; readonly value: Value }[]
  /** Scalars that join the total loss. */
  readonly losses?: readonly Value[]
}

/** All that the house knows about one layer class. C is the config in Keras's spelling. */
export interface LayerDef<C = JsonObject> {
  /** Keras's own: `Dense`. */
  readonly className: string
  /** Complete config (without `name`, `trainable`, `dtype`), its keys in the order of Keras's `get_config`. */
  readonly defaults: C
  /** Config keys that hold Keras objects. */
  readonly fields?: { readonly [K in keyof C]?: ConfigField }
  /** Keys that must be given. */
  readonly required?: readonly (keyof C & string)[]
  /** The only input's mask passes through when the call says nothing about masks. */
  readonly supportsMasking?: boolean
  /** The config as Keras writes it: `kernel_size: 3` as `[3, 3]`. It may throw as `validate` does. */
  readonly normalize?: (config: C, where: string) => C
  /** @throws RekindleError `E_INVALID_CONFIG` for values that no call could work with. */
  readonly validate?: (config: C, where: string) => void
  /** Class names by which other eras or users know the same layer. */
  readonly aliases?: readonly string[]
  readonly weights?: (config: C) => readonly WeightSpec[]
  readonly call: (context: LayerContext<C>, inputs: readonly Value[], args: CallArguments) => CallResult
}

/** A loss. `perSample` gives one number per sample (and step): the last axis is averaged or summed as Keras does. */
export interface LossDef<C = JsonObject> {
  /** `SparseCategoricalCrossentropy`. */
  readonly className: string
  /** `sparse_categorical_crossentropy`: Keras's function, and the name that all versions accept in a file. */
  readonly fn: string
  /** Short spellings: `mse`. */
  readonly aliases?: readonly string[]
  /** Config keys beside `name` and `reduction`. */
  readonly defaults: C
  /** True where `yTrue` holds class numbers. */
  readonly sparseTargets?: boolean
  readonly perSample: (b: Builder, yTrue: Value, yPred: Value, config: C) => Value
}

export interface MetricState {
  readonly name: string
  readonly shape: readonly number[]
}

/** A metric. State is a list of float32 tensors that start at zero; each batch adds to them. */
export interface MetricDef<C = JsonObject> {
  readonly className: string
  /** The string by which Keras finds it, and the default `name`. */
  readonly fn: string
  readonly aliases?: readonly string[]
  /** Config keys beside `name` and `dtype`, in Keras's order. */
  readonly defaults: C
  readonly state: (config: C, yPred: Type) => readonly MetricState[]
  /** What one batch adds to each state. `weight` is broadcast to the samples (and steps), null for ones. */
  readonly batch: (b: Builder, yTrue: Value, yPred: Value, weight: Value | null, config: C) => readonly Value[]
  /** The metric's value from the summed states, computed as Keras does. A list for per-class results. */
  readonly result: (state: readonly Float32Array[], config: C) => number | readonly number[]
}

export interface SlotDef {
  /** Keras 3's name: `momentum`, `velocity`, `accumulator`. */
  readonly name: string
  /** Number that fills it at the start. */
  readonly fill: number
}

/** What every optimizer's config has, in Keras's order and with its defaults. */
export interface OptimizerBase {
  readonly learning_rate: number | { readonly [key: string]: Json }
  readonly weight_decay: number | null
  readonly clipnorm: number | null
  readonly global_clipnorm: number | null
  readonly clipvalue: number | null
  readonly use_ema: boolean
  readonly ema_momentum: number
  readonly ema_overwrite_frequency: number | null
  readonly loss_scale_factor: number | null
  readonly gradient_accumulation_steps: number | null
}

export interface UpdateInputs {
  readonly param: Value
  readonly grad: Value
  /** By slot name. */
  readonly slots: { readonly [slot: string]: Value }
  /** float32 scalar: updates done so far, this one included (1 at the first). */
  readonly step: Value
  /** float32 scalar. */
  readonly learningRate: Value
}

export interface UpdateOutputs {
  readonly param: Value
  readonly slots: { readonly [slot: string]: Value }
}

/** An optimizer. `update` is its meaning; a kernel, where there is one, does the same faster. */
export interface OptimizerDef<C = JsonObject> {
  readonly className: string
  /** The optimizer's own config keys with defaults (Keras's order), after those of `OptimizerBase`. */
  readonly defaults: C
  /** Default of `learning_rate` and, where Keras differs from null, of `weight_decay`. */
  readonly base: Partial<OptimizerBase>
  /**
   * Slots in the order of Keras's variables: a list of groups; within one group the slots of a weight stand
   * together (`m a, v a, m b, v b`), and a further group comes after all weights (`vhat a, vhat b`).
   */
  readonly slots: (config: C) => readonly (readonly SlotDef[])[]
  /** One weight's update on the graph; clipping and weight decay are applied before it, in one place. */
  readonly update: (b: Builder, x: UpdateInputs, config: C) => UpdateOutputs
  /** The kernel that does the same: its name, slots by position, and its scalar arguments at a step. */
  readonly kernel?: (config: C) => OptimizerKernel
}

export interface OptimizerKernel {
  /** Export of the kernels module. */
  readonly name: string
  /** Slot names in the order of the kernel's pointers. */
  readonly slots: readonly string[]
  /** Scalars after the pointers and the length; `step` counts from 1. */
  readonly scalars: (step: number, learningRate: number) => readonly number[]
}
