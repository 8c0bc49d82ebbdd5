import { describeValue, RekindleError } from '../../errors.ts'
import { checkFields, completeConfig, LAYERS } from '../../nn/layers/index.ts'
import type { CamelOptions } from '../../nn/naming.ts'
import { configFromOptions } from '../../nn/naming.ts'
import type { LayerDef } from '../../nn/types.ts'
import { requireShape } from '../input.ts'
import { Layer } from '../layer.ts'
import { automaticName } from '../names.ts'

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
export type CallableLayer = Layer

/** A factory whose options hold some that must be given. */
export type LayerFactory<C, Required extends keyof CamelOptions<C> = never> = (
  options: CamelOptions<C> & { readonly [K in Required]-?: NonNullable<CamelOptions<C>[K]> } & LayerOptions,
) => CallableLayer

/** A factory that can be called without options. */
export type OptionalFactory<C> = (options?: CamelOptions<C> & LayerOptions) => CallableLayer

const COMMON = ['name', 'trainable', 'inputShape', 'batchInputShape'] as const

/** A layer of a record from options in camelCase. */
export function createLayer(def: LayerDef, options: LayerOptions & object = {}): CallableLayer {
  const given: unknown = options
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new RekindleError('E_INVALID_ARGUMENT', `${def.className} takes an object of options`, {
      received: describeValue(given),
    })
  }
  const { name = automaticName(def.className), trainable = true, inputShape, batchInputShape, ...own } = options
  if (typeof name !== 'string' || name === '') {
    throw new RekindleError('E_INVALID_ARGUMENT', `bad name of a ${def.className}`, {
      expected: 'a text',
      received: describeValue(name),
    })
  }
  if (typeof trainable !== 'boolean') {
    throw new RekindleError('E_INVALID_ARGUMENT', 'bad value for trainable', {
      where: name,
      expected: 'true or false',
      received: describeValue(trainable),
    })
  }
  requireShape(inputShape, `${name}: inputShape`)
  requireShape(batchInputShape, `${name}: batchInputShape`)
  const config = configFromOptions(own, Object.keys(def.defaults), `${def.className} (${COMMON.join(', ')})`)
  const complete = completeConfig(def, config, name, true)
  checkFields(def, complete)
  const layer = new Layer(def.className, name, complete, def)
  layer.trainable = trainable
  const shape = batchInputShape ?? (inputShape && [null, ...inputShape])
  if (shape) layer.inputShape = shape
  return layer
}

/** The factory of a record; its type is said where it is listed. */
export function factory(className: string): (options?: object) => CallableLayer {
  return (options) => createLayer(LAYERS.get(className) as LayerDef, options)
}
