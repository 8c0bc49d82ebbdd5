import { describeValue, RekindleError } from '../errors.ts'
import type { Type } from '../graph/index.ts'
import { LAYERS } from '../nn/layers/index.ts'
import type { Json } from '../nn/types.ts'
import { type DType, formatShape, isDType } from '../tensor/index.ts'
import { Layer } from './layer.ts'
import { automaticName } from './names.ts'
import { checkOptions } from './options.ts'
import { CallNode, type SymbolicTensor } from './symbolic.ts'

export interface InputOptions {
  /** Without the batch dimension; null for sizes that may vary. */
  readonly shape?: readonly (number | null)[]
  /** With the batch dimension, instead of `shape`. */
  readonly batchShape?: readonly (number | null)[]
  readonly dtype?: DType
  readonly name?: string
}

/**
 * The entrance of a functional model, as `keras.Input`.
 *
 * @throws RekindleError `E_INVALID_CONFIG` when neither shape is given.
 */
export function input(options: InputOptions): SymbolicTensor {
  const layer = createInputLayer(options)
  return new CallNode(layer, [], {}, [inputType(layer)]).outputs[0] as SymbolicTensor
}

/** @throws RekindleError `E_INVALID_CONFIG` for what is neither absent nor a list of sizes. */
export function requireShape(shape: unknown, where: string): void {
  if (shape === undefined) return
  const good = Array.isArray(shape) && shape.every((dim) => dim === null || (Number.isInteger(dim) && dim >= 0))
  if (good) return
  throw new RekindleError('E_INVALID_CONFIG', 'not a shape', {
    where,
    expected: 'a list of whole numbers and nulls, such as [784]',
    received: describeValue(shape),
  })
}

/** An InputLayer from options. */
export function createInputLayer(options: InputOptions): Layer {
  checkOptions(options, { shape: true, batchShape: true, dtype: true, name: true }, 'input')
  const { shape, batchShape, dtype = 'float32', name } = options
  for (const given of [shape, batchShape]) requireShape(given, 'input')
  const full = batchShape ?? (shape && [null, ...shape])
  const good = full?.every((dim) => dim === null || (Number.isInteger(dim) && dim >= 0))
  if (!full || !good || !isDType(dtype)) {
    throw new RekindleError('E_INVALID_CONFIG', 'input', {
      expected: 'a shape of whole numbers and nulls, such as { shape: [784] }, and a dtype',
      received: full ? `${formatShape(full)} of ${dtype}` : 'no shape',
    })
  }
  const config = { batch_shape: full, dtype, sparse: false, ragged: false, optional: false }
  return new Layer('InputLayer', name ?? automaticName('InputLayer'), config, LAYERS.get('InputLayer'))
}

/** The type that an InputLayer announces, free sizes as symbols: `batch` first, then `<name>_<axis>`. */
export function inputType(layer: Layer): Type {
  const { batch_shape: shape, dtype } = layer.config as { batch_shape: (number | null)[]; dtype: Json }
  const name = typeof dtype === 'string' && isDType(dtype) ? dtype : 'float32'
  return {
    dtype: name,
    shape: shape.map((dim, axis) => (axis === 0 ? 'batch' : (dim ?? `${layer.name}_${axis}`))),
  }
}
