import {
  type ActivationConfig,
  type BatchNormalizationConfig,
  completeConfig,
  type DenseConfig,
  type DropoutConfig,
  type FlattenConfig,
  LAYERS,
  type ReshapeConfig,
} from '../nn/layers/index.ts'
import type { CamelOptions } from '../nn/naming.ts'
import { configFromOptions } from '../nn/naming.ts'
import type { LayerDef } from '../nn/types.ts'
import { createInputLayer, type InputOptions } from './input.ts'
import { type CallLayer, Layer } from './layer.ts'
import { automaticName } from './names.ts'

/** Options that every layer takes. */
export interface LayerOptions {
  readonly name?: string
  /** May training change the layer's weights? Default true. */
  readonly trainable?: boolean
  /** For the first layer of a Sequential: the shape of one sample. */
  readonly inputShape?: readonly (number | null)[]
  /** The same with the batch dimension. */
  readonly batchInputShape?: readonly (number | null)[]
}

/** What a factory gives: a layer that is called like a function, `layers.dense({ units: 3 })(x)`. */
export type CallableLayer = Layer & CallLayer

type LayerFactory<C, Required extends keyof CamelOptions<C> = never> = (
  options: CamelOptions<C> & { readonly [K in Required]-?: NonNullable<CamelOptions<C>[K]> } & LayerOptions,
) => CallableLayer

type OptionalFactory<C> = (options?: CamelOptions<C> & LayerOptions) => CallableLayer

const COMMON = ['name', 'trainable', 'inputShape', 'batchInputShape'] as const

/** A layer of a record from options in camelCase. */
export function createLayer(def: LayerDef, options: LayerOptions & object = {}): CallableLayer {
  const { name = automaticName(def.className), trainable = true, inputShape, batchInputShape, ...own } = options
  const config = configFromOptions(own, Object.keys(def.defaults), `${def.className} (${COMMON.join(', ')})`)
  const layer = new Layer(def.className, name, completeConfig(def, config, name, true), def)
  layer.trainable = trainable
  const shape = batchInputShape ?? (inputShape && [null, ...inputShape])
  if (shape) layer.inputShape = shape
  return layer as CallableLayer
}

function factory(className: string): (options?: object) => CallableLayer {
  return (options) => createLayer(LAYERS.get(className) as LayerDef, options)
}

/** Keras's layers by their names in camelCase: `layers.dense({ units: 64, activation: 'relu' })`. */
export const layers = {
  /** The entrance of a Sequential; functional models begin with `input()`. */
  inputLayer: (options: InputOptions): Layer => createInputLayer(options),
  dense: factory('Dense') as LayerFactory<DenseConfig, 'units'>,
  activation: factory('Activation') as LayerFactory<ActivationConfig, 'activation'>,
  flatten: factory('Flatten') as OptionalFactory<FlattenConfig>,
  reshape: factory('Reshape') as LayerFactory<ReshapeConfig, 'targetShape'>,
  dropout: factory('Dropout') as LayerFactory<DropoutConfig, 'rate'>,
  batchNormalization: factory('BatchNormalization') as OptionalFactory<BatchNormalizationConfig>,
}
