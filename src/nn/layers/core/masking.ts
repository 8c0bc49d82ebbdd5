import type { Value } from '../../../graph/index.ts'
import { defineLayer } from '../define.ts'
import { anyAlongLast, differs, overFeatures } from '../masks.ts'

export interface MaskingConfig {
  readonly mask_value: number
}

/** Hides the steps whose features all equal `mask_value` from the layers that follow; their features become 0. */
export const masking = defineLayer<MaskingConfig>({
  className: 'Masking',
  defaults: { mask_value: 0 },
  call({ b, config }, [input]) {
    const x = input as Value
    const mask = anyAlongLast(b, differs(b, x, b.scalar(config.mask_value, x.dtype)))
    return { outputs: [b.op('Where', [overFeatures(b, mask), x, b.scalar(0, x.dtype)])], masks: [mask] }
  },
})
