import { RekindleError } from '../../errors.ts'
import type { Builder, Dim, Value } from '../../graph/index.ts'
import type { Tensor } from '../../tensor/index.ts'
import { resolveByShapes } from '../by-shapes.ts'
import { createRegistry, factory } from '../registry.ts'
import type { Identifier, JsonObject } from '../types.ts'
import { parseReduction, type ReductionName, reduceLoss } from './reduce.ts'
import { sameRank } from './same-rank.ts'
import { LOSSES, type LossRow } from './table.ts'

export { parseReduction, REDUCTIONS, type ReductionName, reduceLoss } from './reduce.ts'
export type { LossRow } from './table.ts'

/** Keys of every loss's config, with their defaults (a name of null is the function's). */
const COMMON = { name: null as string | null, reduction: 'sum_over_batch_size' as ReductionName | null }

export const lossRegistry = createRegistry<LossRow<JsonObject>>(
  {
    kind: 'loss',
    module: 'keras.losses',
    common: COMMON,
    ignored: ['dtype', 'fn'],
    wrapper: 'LossFunctionWrapper',
  },
  Object.values(LOSSES),
)

export interface ResolvedLoss {
  readonly def: LossRow<JsonObject>
  readonly config: JsonObject
  readonly reduction: ReductionName
  /** The string that was given, or the object's name. */
  readonly name: string
}

/** Shapes of targets and predictions, with their batch axis. */
export interface TargetShapes {
  readonly yTrue: readonly Dim[]
  readonly yPred: readonly Dim[]
}

const BY_SHAPES = {
  binary: 'binary_crossentropy',
  sparse: 'sparse_categorical_crossentropy',
  categorical: 'categorical_crossentropy',
} as const

/**
 * The loss that a config names. `crossentropy` and `ce` follow from the shapes.
 *
 * @throws RekindleError `E_UNSUPPORTED_OPTION` for an unknown name, `E_INVALID_CONFIG` for a bad config.
 */
export function resolveLoss(identifier: Exclude<Identifier, null>, shapes?: TargetShapes): ResolvedLoss {
  if (typeof identifier === 'string' && ['crossentropy', 'ce'].includes(identifier.toLowerCase())) {
    if (!shapes) {
      throw new RekindleError(
        'E_INVALID_ARGUMENT',
        `loss "${identifier}" follows from shapes, which are not known here`,
      )
    }
    return { ...resolveLoss(BY_SHAPES[resolveByShapes(shapes.yTrue, shapes.yPred)]), name: identifier }
  }
  const { def, config, common } = lossRegistry.resolve(identifier)
  const name = typeof identifier === 'string' ? identifier : String(common.name ?? def.fn)
  return { def, config, reduction: parseReduction(common.reduction), name }
}

/**
 * A loss as a scalar (with reduction `none` one number per sample): per-sample losses, weights, masks and reduction.
 *
 * @param yTrue targets; class numbers of any integer dtype for sparse losses, else taken as numbers.
 * @param weight sample weights, or null for ones.
 * @param mask the predictions' mask, true where they count, or null.
 */
export function applyLoss(
  b: Builder,
  { def, config, reduction }: ResolvedLoss,
  yTrue: Value,
  yPred: Value,
  weight: Value | null = null,
  mask: Value | null = null,
): Value {
  const [target, prediction] = sameRank(b, yTrue, yPred)
  const losses = def.perSample(b, target, prediction, config)
  const own = def.mask?.(b, target, prediction, config) ?? null
  const both = mask && own ? b.op('And', [mask, own]) : (mask ?? own)
  return reduceLoss(b, losses, weight, both, reduction)
}

/**
 * Class numbers must name a class: an engine would stop in the middle of a step, without a clear word.
 *
 * @param ignored a class number that counts as no label.
 * @throws RekindleError `E_INVALID_DATA` with the first bad label and where it stands.
 */
export function checkClassLabels(labels: Tensor, classes: number, ignored: number | null = null): void {
  const values = labels.data as ArrayLike<number | bigint>
  for (let i = 0; i < values.length; i++) {
    const label = Number(values[i])
    if ((Number.isInteger(label) && label >= 0 && label < classes) || label === ignored) continue
    throw new RekindleError('E_INVALID_DATA', 'label out of range', {
      where: `label ${i}`,
      expected: `a class number from 0 to ${classes - 1}`,
      received: String(values[i]),
    })
  }
}

/** `losses.sparseCategoricalCrossentropy({ fromLogits: true })`. */
export const losses = {
  binaryCrossentropy: factory(LOSSES.binaryCrossentropy, COMMON),
  categoricalCrossentropy: factory(LOSSES.categoricalCrossentropy, COMMON),
  sparseCategoricalCrossentropy: factory(LOSSES.sparseCategoricalCrossentropy, COMMON),
  meanSquaredError: factory(LOSSES.meanSquaredError, COMMON),
  meanAbsoluteError: factory(LOSSES.meanAbsoluteError, COMMON),
  hinge: factory(LOSSES.hinge, COMMON),
  squaredHinge: factory(LOSSES.squaredHinge, COMMON),
  categoricalHinge: factory(LOSSES.categoricalHinge, COMMON),
}
