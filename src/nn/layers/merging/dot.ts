import { RekindleError } from '../../../errors.ts'
import type { Value } from '../../../graph/index.ts'
import { normalizeAxis } from '../../../tensor/index.ts'
import { defineLayer } from '../define.ts'
import { unitLength } from '../l2.ts'

export interface DotConfig {
  /** One axis for both inputs, or one for each; never the batch. */
  readonly axes: number | readonly number[]
  readonly normalize: boolean
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** Sums the products of two inputs along an axis of each, sample by sample. */
export const dot = defineLayer<DotConfig>({
  className: 'Dot',
  defaults: { axes: -1, normalize: false },
  required: ['axes'],
  validate({ axes }, where) {
    const list: readonly unknown[] = Array.isArray(axes) ? axes : [axes, axes]
    if (list.length === 2 && list.every((axis) => Number.isInteger(axis) && axis !== 0)) return
    throw new RekindleError('E_INVALID_CONFIG', 'bad axes', {
      where,
      expected: 'an axis other than the batch, or two of them',
      received: JSON.stringify(axes),
    })
  },
  call({ b, config, name }, inputs) {
    const [x, y] = inputs as readonly [Value, Value]
    if (inputs.length !== 2 || x.shape.length < 2 || y.shape.length < 2) {
      throw new RekindleError('E_INVALID_SHAPE', 'Dot takes two inputs of at least two axes', { where: name })
    }
    const given = typeof config.axes === 'number' ? [config.axes, config.axes] : config.axes
    const axes = [x, y].map(({ shape }, i) => normalizeAxis(given[i] as number, shape.length, name))
    const [left, right] = [x, y].map((value, i) =>
      config.normalize ? unitLength(b, value, [axes[i] as number], 1e-7) : value,
    ) as [Value, Value]
    // Letters: a the batch, b the summed axis, then the others in order.
    let next = 2
    const [first, second] = [x, y].map(({ shape }, i) =>
      shape.map((_, axis) => (axis === 0 ? 'a' : axis === axes[i] ? 'b' : (LETTERS[next++] as string))),
    ) as [string[], string[]]
    const rest = [...first, ...second].filter((letter) => letter > 'b')
    const equation = `${first.join('')},${second.join('')}->a${rest.join('')}`
    const result = b.op('Einsum', [left, right], { equation })
    return { outputs: [rest.length === 0 ? b.op('Unsqueeze', [result, b.ints([1])]) : result], masks: [null] }
  },
})
