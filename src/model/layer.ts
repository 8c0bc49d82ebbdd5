import { RekindleError } from '../errors.ts'
import type { LayerSpec } from '../formats/doc.ts'
import type { Type } from '../graph/index.ts'
import { initializeWeight } from '../nn/initializers/index.ts'
import { completeConfig, LAYERS } from '../nn/layers/index.ts'
import type { Json, JsonObject, LayerDef, Tree } from '../nn/types.ts'
import type { NestedArray, Tensor } from '../tensor/index.ts'
import type { Network } from './network.ts'
import { nextWeightSeed } from './seeds.ts'
import { type CallKeywords, callLayer, type SymbolicTensor } from './symbolic.ts'
import { Variable } from './variable.ts'

/**
 * An object that is a function: `layer(x)` calls the layer on symbolic tensors. The constructor's return value becomes
 * `this` of the classes below, so their fields stand on the function itself.
 */
const CallableObject = class {
  constructor() {
    const self: (inputs: Tree<SymbolicTensor>, kwargs?: CallKeywords) => unknown = (inputs, kwargs) =>
      (self as unknown as Layer).call(inputs, kwargs)
    // A function's own `name` and `length` would hide the getters of the class.
    for (const key of ['name', 'length']) Reflect.deleteProperty(self, key)
    // biome-ignore lint/correctness/noConstructorReturn: this is how an instance becomes callable
    return Object.setPrototypeOf(self, new.target.prototype) as this
  }
} as unknown as new () => CallLayer

/** `layer(x)` gives what `layer.call(x)` gives, for layers with one output: the usual case. */
type CallLayer = (inputs: Tree<SymbolicTensor>, kwargs?: CallKeywords) => SymbolicTensor

/** A layer of a live model: a record, its config, and its weights once the input shape is known. */
export class Layer extends CallableObject {
  readonly className: string
  readonly config: JsonObject
  /** Undefined for a class that Rekindle cannot run; such a layer is shown, kept and written back. */
  readonly def: LayerDef | undefined
  /** As the file had it, for layers that are only carried. */
  readonly origin: LayerSpec | undefined
  readonly #name: string
  #trainable = true
  #weights: readonly Variable[] | null = null

  /** The shape of the input with its batch dimension, for the first layer of a Sequential. */
  inputShape: readonly (number | null)[] | undefined

  constructor(className: string, name: string, config: JsonObject, def: LayerDef | undefined, origin?: LayerSpec) {
    super()
    this.className = className
    this.#name = name
    this.config = config
    this.def = def
    this.origin = origin
  }

  /** The layer of a file. Unknown classes give a layer that cannot run. */
  static fromSpec(spec: LayerSpec): Layer {
    const def = LAYERS.get(spec.className)
    const { name: _, trainable: __, ...config } = spec.config
    const complete = def ? completeConfig(def, config, spec.name, false) : spec.config
    const layer = new Layer(spec.className, spec.name, complete, def, spec)
    layer.trainable = spec.trainable
    return layer
  }

  /** Calls the layer on symbolic tensors, in the functional API: a tensor, or a tree of them for several outputs. */
  override call(inputs: Tree<SymbolicTensor>, kwargs: CallKeywords = {}): Tree<SymbolicTensor> {
    return callLayer(this, inputs, kwargs)
  }

  override get name(): string {
    return this.#name
  }

  /** May training change the layer's weights? Takes effect with the next training step. */
  get trainable(): boolean {
    return this.#trainable
  }

  set trainable(value: boolean) {
    this.#trainable = value
  }

  get built(): boolean {
    return this.#weights !== null
  }

  /** All weights, in the order in which Keras creates and saves them. */
  get weights(): readonly Variable[] {
    return this.#weights ?? []
  }

  get trainableWeights(): readonly Variable[] {
    return this.trainable ? this.weights.filter((variable) => variable.spec.trainable) : []
  }

  /** Set when the layer is itself a model: how its layers are connected. */
  get network(): Network | undefined {
    return undefined
  }

  /** Copies of the weights' values. */
  getWeights(): Tensor[] {
    return this.weights.map((variable) => variable.value.clone())
  }

  /**
   * New values for all weights, in the order of `weights`.
   * @throws RekindleError `E_INVALID_WEIGHTS` when their number or a shape differs; then nothing has changed.
   */
  setWeights(values: readonly (Tensor | NestedArray)[]): void {
    const { weights } = this
    if (!Array.isArray(values)) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'not a list of weights', { where: `setWeights of ${this.name}` })
    }
    if (values.length !== weights.length) {
      throw new RekindleError('E_INVALID_WEIGHTS', `number of weights of ${this.name}`, {
        expected: String(weights.length),
        received: String(values.length),
      })
    }
    const tensors = values.map((value, i) => (weights[i] as Variable).accept(value, `${this.name}/${weights[i]?.name}`))
    for (const [i, variable] of weights.entries()) variable.assign(tensors[i] as Tensor)
  }

  /** Creates the weights for inputs of these types; a second call with other feature sizes is an error of the call. */
  build(inputs: readonly Type[]): void {
    if (this.#weights) return
    const specs = this.def?.weights?.(this.config) ?? []
    this.#weights = specs.map((spec) => {
      const shape = spec.shape(inputs)
      const seed = nextWeightSeed()
      return new Variable(spec, shape, () => initializeWeight(spec, shape, seed))
    })
  }

  weight(name: string): Variable {
    const found = this.weights.find((variable) => variable.name === name)
    if (found) return found
    throw new RekindleError('E_INVALID_WEIGHTS', `layer ${this.name} has no weight ${name}`, {
      expected: this.weights.map((variable) => variable.name).join(', ') || 'no weights',
    })
  }

  /** The layer as a file describes it. */
  toSpec(): LayerSpec {
    const shared = { className: this.className, name: this.name, trainable: this.trainable }
    if (!this.origin) return { ...shared, config: this.config }
    return { ...this.origin, ...shared, config: this.def ? this.config : this.origin.config }
  }

  /** What Keras's `get_config` gives: name, trainable and the layer's own keys. */
  getConfig(): { readonly [key: string]: Json } {
    return { name: this.name, trainable: this.trainable, ...this.config }
  }
}
