import { defineLayer } from '../define.ts'

/** No options. */
export type IdentityConfig = { readonly [key: string]: never }

/** Passes its input on. */
export const identity = defineLayer<IdentityConfig>({
  className: 'Identity',
  defaults: {},
  supportsMasking: true,
  call: (_, inputs) => ({ outputs: inputs }),
})
