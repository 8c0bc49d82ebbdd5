import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/graph/index.ts'
import { applyActivation } from '../../src/nn/activations/index.ts'
import { applyLoss, checkClassLabels, losses, parseReduction, resolveLoss } from '../../src/nn/losses/index.ts'
import type { Identifier, JsonObject } from '../../src/nn/types.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients } from '../../src/passes/index.ts'
import { type Tensor, tensor } from '../../src/tensor/index.ts'
import { evaluate, expectClose, type GoldenTensor, type Numbers, numbersOf, readGolden, toTensor } from './golden.ts'

interface LossCase {
  readonly class_name: string
  readonly config: JsonObject
  readonly y_true: string
  readonly x: string
  readonly activation?: string
  readonly weight?: string
  readonly mask?: string
  readonly value: Numbers
  readonly dx: Numbers
}

interface Golden {
  readonly inputs: Readonly<Record<string, GoldenTensor>>
  readonly cases: readonly LossCase[]
}

const golden = readGolden<Golden>('losses')
const input = (name: string): Tensor => toTensor(golden.inputs[name] as GoldenTensor)

/** Value and gradient against Keras on TensorFlow, after an activation whose logits it recovers or without one. */
async function checkLoss(one: LossCase): Promise<void> {
  const feeds = {
    x: input(one.x),
    yTrue: input(one.y_true),
    ...(one.weight && { weight: input(one.weight) }),
    ...(one.mask && { mask: input(one.mask) }),
  }
  const loss = resolveLoss({ class_name: one.class_name, config: one.config })
  const [value, dx] = await evaluate<'x' | 'yTrue' | 'weight' | 'mask'>(
    feeds as never,
    (b, { x, yTrue, weight, mask }) => {
      const yPred = applyActivation(b, one.activation ?? null, x)
      const result = applyLoss(b, loss, yTrue, yPred, weight ?? null, mask ?? null)
      const [gradient] = gradients(b, result, [x])
      return [result, gradient as Value]
    },
  )
  expectClose(numbersOf(value), one.value, 'loss')
  expectClose(numbersOf(dx), one.dx, 'gradient')
}

describe('losses', () => {
  for (const one of golden.cases) {
    const extras = [one.activation, one.weight, one.mask].filter(Boolean).join(', ')
    it(`${one.class_name} ${JSON.stringify(one.config)} of ${one.y_true} and ${one.x} ${extras}`, () => checkLoss(one))
  }

  it('has a golden case for each', () => {
    const tried = new Set(golden.cases.map((one) => resolveLoss({ class_name: one.class_name, config: {} }).def.fn))
    expect([...tried].sort()).toEqual(
      Object.values(losses)
        .map((make) => resolveLoss(make()).def.fn)
        .sort(),
    )
  })

  it('takes a weight per sample for all its steps', async () => {
    const feeds = {
      x: tensor([
        [1, 3],
        [5, 7],
      ]),
      y: tensor([
        [0, 0],
        [0, 0],
      ]),
      weight: tensor([1, 0.5]),
    }
    const [value] = await evaluate(feeds, (b, { x, y, weight }) => {
      const column = (v: Value): Value => b.op('Unsqueeze', [v, b.ints([-1])])
      return [applyLoss(b, resolveLoss('mae'), column(y), column(x), weight)]
    })
    expect(Array.from(numbersOf(value))).toEqual([(1 + 3 + 2.5 + 3.5) / 4])
  })
})

describe('loss names', () => {
  it('finds functions, classes, aliases and wrapped functions', () => {
    const names: [Identifier, string][] = [
      ['mse', 'MeanSquaredError'],
      ['MAE', 'MeanAbsoluteError'],
      ['mean_squared_error', 'MeanSquaredError'],
      ['MeanSquaredError', 'MeanSquaredError'],
      ['BCE', 'BinaryCrossentropy'],
      [{ class_name: 'function', config: 'hinge' } as unknown as Identifier, 'Hinge'],
      [{ class_name: 'LossFunctionWrapper', config: { fn: 'squared_hinge', name: 'x' } }, 'SquaredHinge'],
      [losses.categoricalHinge(), 'CategoricalHinge'],
    ]
    for (const [identifier, className] of names) {
      expect(resolveLoss(identifier as Exclude<Identifier, null>).def.className).toBe(className)
    }
  })

  it('names a loss by the string given or the name of the object', () => {
    expect(resolveLoss('mse').name).toBe('mse')
    expect(resolveLoss({ class_name: 'MeanSquaredError', config: {} }).name).toBe('mean_squared_error')
    expect(resolveLoss({ class_name: 'MeanSquaredError', config: { name: 'mine' } }).name).toBe('mine')
  })

  it('reads the config of tf-keras', () => {
    const config = {
      reduction: 'auto',
      name: 'bce',
      from_logits: true,
      label_smoothing: 0,
      axis: -1,
      fn: 'binary_crossentropy',
    }
    const loss = resolveLoss({ class_name: 'BinaryCrossentropy', config })
    expect(loss.reduction).toBe('sum_over_batch_size')
    expect(loss.config).toEqual({ from_logits: true, label_smoothing: 0, axis: -1 })
  })

  it('takes options in camelCase', () => {
    expect(losses.sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 0, reduction: 'sum' })).toEqual({
      class_name: 'SparseCategoricalCrossentropy',
      config: { from_logits: true, ignore_class: 0, reduction: 'sum' },
    })
    // @ts-expect-error no such option
    expect(() => losses.hinge({ fromLogits: true })).toThrow(/Hinge has no option fromLogits; expected name, reduction/)
  })

  it('refuses unknown names, keys and reductions', () => {
    expect(() => resolveLoss('msee')).toThrow(/unknown loss "msee"; expected one of binary_crossentropy/)
    expect(() => resolveLoss({ class_name: 'Hinge', config: { axis: 1 } })).toThrow(/loss Hinge has no "axis"/)
    expect(() => resolveLoss({ class_name: 'Hinge', config: { reduction: 'median' } })).toThrow(
      /loss reduction; expected sum_over/,
    )
    expect(() => resolveLoss('crossentropy')).toThrow(expect.objectContaining({ code: 'E_INVALID_ARGUMENT' }))
    expect(parseReduction(null)).toBe('none')
  })
})

describe('targets', () => {
  it('must fit the predictions', () => {
    const b = newBuilder()
    const yPred = b.input('p', 'float32', [4, 3])
    const apply = (name: string, shape: number[]) =>
      applyLoss(b, resolveLoss(name), b.input('t', 'float32', shape), yPred)
    expect(() => apply('categorical_crossentropy', [4])).toThrow(
      /targets do not fit the predictions; expected \[4, 3\], received \[4\]/,
    )
    expect(() => apply('sparse_categorical_crossentropy', [4, 3])).toThrow(
      /expected \[4\], received \[4, 3\] \(one-hot targets take/,
    )
    expect(() => apply('mse', [5, 2])).toThrow(expect.objectContaining({ code: 'E_INVALID_SHAPE' }))
  })

  it('must name classes', () => {
    checkClassLabels(tensor([0, 2, 1], { dtype: 'uint8' }), 3)
    checkClassLabels(tensor([0n, -1n]), 3, -1)
    expect(() => checkClassLabels(tensor([0, 3]), 3)).toThrow(
      expect.objectContaining({
        code: 'E_INVALID_DATA',
        message: 'label 1: label out of range; expected a class number from 0 to 2, received 3',
      }),
    )
    expect(() => checkClassLabels(tensor([0, 1.5]), 3)).toThrow(/received 1.5/)
    expect(() => checkClassLabels(tensor([Number.NaN]), 3)).toThrow(/label 0: /)
    expect(() => checkClassLabels(tensor([-1n]), 3)).toThrow(/received -1/)
  })
})
