import { describeValue, RekindleError } from '../errors.ts'
import type { LayerSpec } from '../formats/doc.ts'
import type { Type } from '../graph/index.ts'
import { type DType, formatShape, Tensor, tensor } from '../tensor/index.ts'
import type { BatchStream, DataInput } from './data/index.ts'
import { createInputLayer } from './input.ts'
import { Layer } from './layer.ts'
import { type BuildInputs, Model } from './model.ts'
import { chainNetwork, type Network } from './network.ts'
import { networkOutputs } from './network-types.ts'

/**
 * A chain of layers. The input shape comes from the first layer's `inputShape`, from an InputLayer, from `build`, or
 * from the first data.
 */
export class Sequential extends Model {
  readonly #chain: Layer[]

  constructor(layers: readonly Layer[] = [], options: { readonly name?: string; readonly origin?: LayerSpec } = {}) {
    super({ network: undefined, className: 'Sequential', ...options })
    this.#chain = []
    if (!Array.isArray(layers)) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'not a list of layers', { where: this.name })
    }
    for (const layer of layers) this.add(layer)
  }

  /** Appends a layer. @throws RekindleError `E_INVALID_GRAPH` for a second layer of the same name. */
  add(layer: Layer): void {
    if (!((layer as unknown) instanceof Layer)) {
      const received = describeValue(layer)
      throw new RekindleError('E_INVALID_ARGUMENT', 'not a layer', { where: this.name, received })
    }
    if (this.#chain.some(({ name }) => name === layer.name)) {
      throw new RekindleError('E_INVALID_GRAPH', `two layers are named ${layer.name}`, { where: this.name })
    }
    if (this.#chain.length === 0 && layer.className !== 'InputLayer' && layer.inputShape) {
      this.#chain.push(createInputLayer({ batchShape: layer.inputShape }))
    }
    this.#chain.push(layer)
    this.#connect()
  }

  /** Removes the last layer. */
  pop(): void {
    this.#chain.pop()
    this.#connect()
  }

  /** All layers but the InputLayer, as Keras lists them. */
  override get layers(): readonly Layer[] {
    return this.#chain.filter(({ className }) => className !== 'InputLayer')
  }

  /** The layers as files list them: the InputLayer first, once the input shape is known. */
  get chain(): readonly Layer[] {
    return this.#chain
  }

  /** Fixes the input shape by the types of the first call, as Keras does when it first sees data. */
  override build(inputs: BuildInputs = []): void {
    const [first] = inputs
    if (!this.network && first !== undefined) {
      const typed = typeof first === 'object' && first !== null
      const { dtype, shape }: Type = typed
        ? (first as Type)
        : { dtype: 'float32', shape: (inputs as readonly (number | null)[]).map((dim) => dim ?? 'any') }
      const batchShape = shape.map((dim, axis) => (typeof dim === 'number' && axis > 0 ? dim : null))
      this.#chain.unshift(createInputLayer({ batchShape, dtype }))
      this.#connect()
    }
    super.build(inputs)
  }

  protected override resolveInputs(x: DataInput | BatchStream): void {
    if (this.network) return
    const type = typeOfData(x)
    if (!type) {
      throw new RekindleError('E_INVALID_STATE', 'the input shape is not known yet', {
        where: this.name,
        hint: 'give the first layer an inputShape, or call build([null, …])',
      })
    }
    this.build([type])
  }

  #connect(): void {
    const connected = this.#chain[0]?.className === 'InputLayer' && this.#chain.length > 1
    this.setNetwork(connected ? chainNetwork(this.#chain) : undefined)
    if (connected) buildIfRunnable(this.requireNetwork())
  }
}

/** Creates the weights now; a chain with a layer that cannot run is only carried. */
function buildIfRunnable(network: Network): void {
  try {
    networkOutputs(network)
  } catch (error) {
    if (!(error instanceof RekindleError && error.code === 'E_UNSUPPORTED_LAYER')) throw error
  }
}

/** The type of data in memory; undefined for streams and files, which are read later. */
function typeOfData(x: DataInput | BatchStream): Type | undefined {
  if (x instanceof Tensor) return floatType(x)
  if (Array.isArray(x) && x[0] instanceof Tensor) return floatType(x[0])
  if (Array.isArray(x) && x.length > 0 && typeof x[0] !== 'string') return floatType(tensor(x as number[]))
  return undefined
}

function floatType({ shape }: Tensor): Type {
  const dtype: DType = 'float32'
  if (shape.length < 2) {
    throw new RekindleError('E_INVALID_SHAPE', 'data without features', {
      where: 'x',
      expected: '[N, …]',
      received: formatShape(shape),
    })
  }
  return { dtype, shape: ['batch', ...shape.slice(1)] }
}
