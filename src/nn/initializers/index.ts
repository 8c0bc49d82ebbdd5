import { RekindleError } from '../../errors.ts'
import { castTensor, type DType, type Shape, sizeOf, Tensor } from '../../tensor/index.ts'
import { randomSource } from '../philox.ts'
import { createRegistry, factory } from '../registry.ts'
import type { Identifier, JsonObject, WeightSpec } from '../types.ts'
import { INITIALIZERS, type InitializerDef } from './table.ts'

export { computeFans } from './fans.ts'
export type { InitializerDef } from './table.ts'

export const initializerRegistry = createRegistry<InitializerDef<JsonObject>>(
  { kind: 'initializer', module: 'keras.initializers', ignored: ['dtype'] },
  Object.values(INITIALIZERS),
)

/** The most elements of one weight: what a JavaScript array holds. */
const MOST_ELEMENTS = 2 ** 31

/** Where an initializer's random numbers come from when its config has no seed. */
export interface InitializerSeed {
  /** The model's. */
  readonly seed: number | bigint
  /** A number of its own for each weight of the model. */
  readonly stream: number
}

/**
 * The first value of a weight.
 *
 * @param identifier null is `zeros`.
 * @param source a seed in the initializer's config goes before it.
 * @param dtype float32 by default.
 */
export function initialize(
  identifier: Identifier,
  shape: Shape,
  source: InitializerSeed,
  dtype: DType = 'float32',
): Tensor {
  if (sizeOf(shape) > MOST_ELEMENTS) {
    throw new RekindleError('E_LIMIT', 'weight too large', {
      expected: `at most ${MOST_ELEMENTS} elements`,
      received: String(sizeOf(shape)),
    })
  }
  const { def, config } = initializerRegistry.resolve(identifier ?? 'zeros')
  const { seed, stream } = seedOf(config) ?? source
  const values = def.values(shape, config, randomSource(seed, stream, 'initialize'))
  return castTensor(new Tensor('float32', shape, values), dtype)
}

/** The first value of a weight by its spec: as a whole, or part by part. */
export function initializeWeight(
  { initializer, blocks }: Pick<WeightSpec, 'initializer' | 'blocks'>,
  shape: Shape,
  source: InitializerSeed,
): Tensor {
  if (!blocks) return initialize(initializer, shape, source)
  const part = sizeOf(shape) / blocks.length
  const values = new Float32Array(sizeOf(shape))
  for (const [i, block] of blocks.entries()) {
    values.set(initialize(block, [part], source).data as Float32Array, i * part)
  }
  return new Tensor('float32', shape, values)
}

/** A seed of its own makes an initializer give the same numbers wherever it stands; seed generators count by theirs. */
function seedOf({ seed }: JsonObject): InitializerSeed | null {
  if (seed === undefined || seed === null) return null
  if (typeof seed === 'number' && Number.isSafeInteger(seed)) return { seed, stream: 0 }
  if (typeof seed === 'object' && 'config' in seed) return seedOf(seed.config as JsonObject)
  throw new RekindleError('E_INVALID_CONFIG', 'initializer seed', {
    expected: 'a whole number or null',
    received: JSON.stringify(seed),
  })
}

/** `initializers.glorotUniform({ seed: 1 })`. */
export const initializers = {
  zeros: factory(INITIALIZERS.zeros),
  ones: factory(INITIALIZERS.ones),
  constant: factory(INITIALIZERS.constant),
  identity: factory(INITIALIZERS.identity),
  orthogonal: factory(INITIALIZERS.orthogonal),
  randomNormal: factory(INITIALIZERS.randomNormal),
  truncatedNormal: factory(INITIALIZERS.truncatedNormal),
  randomUniform: factory(INITIALIZERS.randomUniform),
  varianceScaling: factory(INITIALIZERS.varianceScaling),
  glorotUniform: factory(INITIALIZERS.glorotUniform),
  glorotNormal: factory(INITIALIZERS.glorotNormal),
  heUniform: factory(INITIALIZERS.heUniform),
  heNormal: factory(INITIALIZERS.heNormal),
  lecunUniform: factory(INITIALIZERS.lecunUniform),
  lecunNormal: factory(INITIALIZERS.lecunNormal),
  stft: factory(INITIALIZERS.stft),
}
