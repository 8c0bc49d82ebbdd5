import type { Identifier, WeightSpec } from '../../types.ts'

/** Options of the trained scale `gamma` and shift `beta`. */
export interface AffineConfig {
  readonly center: boolean
  readonly scale: boolean
  readonly beta_initializer: Identifier
  readonly gamma_initializer: Identifier
  readonly beta_regularizer: Identifier
  readonly gamma_regularizer: Identifier
  readonly beta_constraint: Identifier
  readonly gamma_constraint: Identifier
}

export const AFFINE_DEFAULTS = {
  beta_initializer: 'zeros',
  gamma_initializer: 'ones',
  beta_regularizer: null,
  gamma_regularizer: null,
  beta_constraint: null,
  gamma_constraint: null,
} as const

export const AFFINE_FIELDS = {
  beta_initializer: 'initializer',
  gamma_initializer: 'initializer',
  beta_regularizer: 'regularizer',
  gamma_regularizer: 'regularizer',
  beta_constraint: 'constraint',
  gamma_constraint: 'constraint',
} as const

/** `gamma` and `beta`, as far as they are wanted. */
export function affineSpecs(c: AffineConfig, shape: WeightSpec['shape']): WeightSpec[] {
  const gamma = { initializer: c.gamma_initializer, regularizer: c.gamma_regularizer, constraint: c.gamma_constraint }
  const beta = { initializer: c.beta_initializer, regularizer: c.beta_regularizer, constraint: c.beta_constraint }
  return [
    ...(c.scale ? [{ name: 'gamma', shape, ...gamma, trainable: true }] : []),
    ...(c.center ? [{ name: 'beta', shape, ...beta, trainable: true }] : []),
  ]
}
