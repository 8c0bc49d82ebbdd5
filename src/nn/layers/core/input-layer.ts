import { RekindleError } from '../../../errors.ts'
import { defineLayer } from '../define.ts'

export interface InputLayerConfig {
  readonly batch_shape: readonly (number | null)[]
  readonly dtype: string
  readonly sparse: boolean
  readonly ragged: boolean
  readonly optional: boolean
}

/** The entrance of a model: names a shape and passes its tensor on. */
export const inputLayer = defineLayer<InputLayerConfig>({
  className: 'InputLayer',
  defaults: { batch_shape: [null], dtype: 'float32', sparse: false, ragged: false, optional: false },
  required: ['batch_shape'],
  supportsMasking: true,
  validate({ sparse, ragged }, where) {
    if (sparse || ragged) {
      throw new RekindleError('E_UNSUPPORTED_OPTION', 'sparse and ragged inputs cannot be run', { where })
    }
  },
  call: (_, inputs) => ({ outputs: inputs }),
})
