import { RekindleError } from '../../../errors.ts'
import type { Builder, Value } from '../../../graph/index.ts'
import { cast } from '../../formula.ts'
import type { LayerDef } from '../../types.ts'
import { defineLayer } from '../define.ts'
import { overFeatures } from '../masks.ts'

/** Merging layers without options. */
export type MergingConfig = { readonly [key: string]: never }

type Masks = readonly (Value | null)[]
type Merge = (b: Builder, values: readonly Value[], masks: Masks) => Value

/** Folds the values by an operator, from the first to the last. */
function fold(op: 'Add' | 'Sub' | 'Mul'): Merge {
  return (b, values) => values.reduce((a, c) => b.op(op, [a, c]))
}

/** Keras: steps that a mask hides count as 1. */
const product: Merge = (b, values, masks) =>
  fold('Mul')(
    b,
    values.map((x, i) => (masks[i] ? b.op('Where', [overFeatures(b, masks[i]), x, b.scalar(1)]) : x)),
    [],
  )

/** The largest or smallest; where a mask hides one side, the other one counts. */
function extreme(op: 'Max' | 'Min'): Merge {
  return (b, values, masks) => {
    let [result, ...others] = values as [Value, ...Value[]]
    let known = masks[0] ? overFeatures(b, masks[0]) : null
    others.forEach((value, i) => {
      const given = masks[i + 1]
      const mask = given ? overFeatures(b, given) : null
      const x = mask ? b.op('Where', [mask, value, result]) : value
      if (known) result = b.op('Where', [known, result, x])
      known = mask && known ? b.op('Or', [known, mask]) : null
      result = b.op(op, [result, x])
    })
    return result
  }
}

/** Merges inputs element by element; inputs of fewer axes get axes of size 1 after the batch. */
function elementwise(className: string, merge: Merge, exactly?: number): LayerDef {
  return defineLayer<MergingConfig>({
    className,
    defaults: {},
    call({ b }, inputs, { masks }) {
      if (exactly === undefined ? inputs.length === 0 : inputs.length !== exactly) {
        throw new RekindleError('E_INVALID_SHAPE', `${className} merges a list of inputs`, {
          expected: exactly === undefined ? 'one or more' : String(exactly),
          received: String(inputs.length),
        })
      }
      const ranks = inputs.map(({ shape }) => shape.length)
      const rank = Math.max(...ranks)
      const even = ranks.every((r) => r === rank)
      const values = inputs.map((x) => {
        const missing = Array.from({ length: rank - x.shape.length }, (_, i) => i + 1)
        return missing.length === 0 ? x : b.op('Unsqueeze', [x, b.ints(missing)])
      })
      return {
        outputs: [merge(b, values, even ? inputs.map((_, i) => masks[i] ?? null) : [])],
        masks: [eitherMask(b, inputs, masks)],
      }
    },
  })
}

/** A step is there when it is there in any input; an input without a mask leaves none. */
function eitherMask(b: Builder, inputs: readonly Value[], masks: Masks): Value | null {
  const given = inputs.map((_, i) => masks[i] ?? null)
  if (given.some((mask) => mask === null)) return null
  return (given as Value[]).map((mask) => cast(b, mask, 'bool')).reduce((a, c) => b.op('Or', [a, c]))
}

const average: Merge = (b, values) => b.op('Div', [fold('Add')(b, values, []), b.scalar(values.length)])

export const ELEMENTWISE = [
  elementwise('Add', fold('Add')),
  elementwise('Subtract', fold('Sub'), 2),
  elementwise('Multiply', product),
  elementwise('Average', average),
  elementwise('Maximum', extreme('Max')),
  elementwise('Minimum', extreme('Min')),
]
