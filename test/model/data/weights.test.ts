import { describe, expect, it } from 'vitest'
import { checkSampleWeights, classWeights, splitValidation } from '../../../src/model/data/weights.ts'
import { tensor } from '../../../src/tensor/index.ts'

describe('classWeights', () => {
  it('looks up class numbers; a class without a weight has 1', () => {
    const weights = classWeights(tensor([[0], [2], [1]]), { 0: 3, 2: 0.5 })
    expect([...weights.data]).toEqual([3, 0.5, 1])
  })

  it('takes the largest value of one-hot targets and rounds other numbers as numpy does', () => {
    expect([
      ...classWeights(
        tensor([
          [0, 1],
          [0.9, 0.1],
        ]),
        new Map([[1, 4]]),
      ).data,
    ]).toEqual([4, 1])
    const halves = classWeights(tensor([0.5, 1.5, 2.5, -0.5]), { 0: 5, 2: 7 })
    expect([...halves.data]).toEqual([5, 7, 7, 5])
  })
})

describe('splitValidation', () => {
  it('takes the last part, from floor(n (1 - split)) on', () => {
    const { train, validation } = splitValidation([tensor([0, 1, 2, 3, 4, 5, 6])], 0.3)
    expect([train[0]?.toArray(), validation[0]?.toArray()]).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6],
    ])
  })

  it.each([0, 1, -0.1, Number.NaN])('refuses a split of %s', (split) => {
    expect(() => splitValidation([tensor([1, 2])], split)).toThrow(/validationSplit: .*between 0 and 1/)
  })

  it('refuses to leave one side empty', () => {
    expect(() => splitValidation([tensor([1])], 0.5)).toThrow('received 0 for training and 1 for validation')
  })
})

describe('checkSampleWeights', () => {
  it('wants one finite weight per row or per row and step', () => {
    checkSampleWeights(tensor([1, 2]), tensor([[1], [2]]))
    checkSampleWeights(tensor([[1, 1, 1]]), tensor([[1, 2, 3]]))
    expect(() => checkSampleWeights(tensor([1, 2, 3]), tensor([[1], [2]]))).toThrow(
      'expected one per row: [2], received [3]',
    )
    expect(() => checkSampleWeights(tensor([1, Number.NaN]), tensor([1, 2]))).toThrow('received NaN at position 1')
  })
})
