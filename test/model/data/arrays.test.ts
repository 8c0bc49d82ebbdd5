import { describe, expect, it } from 'vitest'
import { toTensor, toTensors } from '../../../src/model/data/arrays.ts'
import { checkLabels, sharedRows, type TensorSpec } from '../../../src/model/data/spec.ts'
import { Tensor } from '../../../src/tensor/index.ts'

const image: TensorSpec = { name: 'image', dtype: 'float32', shape: [null, 2, 2] }
const row: TensorSpec = { name: 'row', dtype: 'float32', shape: [null, 3] }
const column: TensorSpec = { name: 'column', dtype: 'float32', shape: [null, 1] }
const ids: TensorSpec = { name: 'ids', dtype: 'int32', shape: [null, 2] }

describe('toTensor', () => {
  it('does not copy what fits', () => {
    const fitting = new Tensor('float32', [1, 3], new Float32Array(3))
    expect(toTensor(fitting, row, 'x')).toBe(fitting)
  })

  it('takes nested lists, converts numbers and cuts flat arrays into rows', () => {
    expect(toTensor([[1, 2, 3]], row, 'x').toArray()).toEqual([[1, 2, 3]])
    expect(toTensor(new Uint8Array([1, 2, 3, 4, 5, 6]), row, 'x')).toMatchObject({ dtype: 'float32', shape: [2, 3] })
    expect(toTensor(new Float64Array(8), image, 'x').shape).toEqual([2, 2, 2])
  })

  it('adds or drops a last dimension of 1, as Keras does', () => {
    expect(toTensor([1, 2], column, 'x').shape).toEqual([2, 1])
    expect(toTensor([[[1], [2], [3]]], row, 'x').shape).toEqual([1, 3])
  })

  it.each<[string, unknown, TensorSpec, RegExp]>([
    ['too few columns', [[1, 2]], row, /x: the shape does not fit 'row'; expected \[N, 3\], received \[1, 2\]$/],
    ['unflattened images', new Tensor('float32', [5, 3, 1, 1], new Float32Array(15)), row, /reshape it to \[N, 3\]/],
    ['a row without its batch', new Tensor('float32', [2, 2], new Float32Array(4)), image, /reshape it to \[1, 2, 2\]/],
    [
      'ragged rows',
      [
        [1, 2, 3],
        [1, 2],
      ],
      row,
      /x: ragged array; expected rows of 3 at depth 1, received 2/,
    ],
    ['text', [['a', 'b', 'c']], row, /expected float32, received string/],
    [
      'a fraction for whole numbers',
      [[1, 2.5]],
      ids,
      /expected whole numbers that fit int32, received 2.5 at position 1/,
    ],
    ['a number out of range', [[1, 2 ** 31]], ids, /received 2147483648 at position 1/],
    ['a single value', 3, row, /a single value has no rows/],
  ])('refuses %s', (_, value, spec, message) => {
    expect(() => toTensor(value as number[], spec, 'x')).toThrow(message)
  })
})

describe('toTensors', () => {
  const two = [row, ids]

  it('takes arrays by position and by name', async () => {
    const x = [[1, 2, 3]]
    const y = [[4, 5]]
    for (const given of [[x, y], { ids: y, row: x }]) {
      const tensors = await toTensors(given, two, 'x')
      expect(tensors.map((tensor) => tensor.toArray())).toEqual([x, y])
    }
  })

  it('takes the only array in a list', async () => {
    const only = new Tensor('float32', [1, 3], new Float32Array(3))
    expect(await toTensors([only], [row], 'x')).toEqual([only])
  })

  it('takes the array that is called like the argument, as in a file with x and y', async () => {
    const given = { y: [[4, 5]], x: [[1, 2, 3]] }
    expect((await toTensors(given, [row], 'x'))[0]?.toArray()).toEqual(given.x)
    expect((await toTensors(given, [ids], 'y'))[0]?.toArray()).toEqual(given.y)
    await expect(toTensors(given, [ids], 'sampleWeight')).rejects.toThrow('expected ids, received y, x')
  })

  it('says what is missing', async () => {
    await expect(toTensors([[[1, 2, 3]]], two, 'x')).rejects.toThrow(
      'x: not one array for each name; expected 2 arrays: row, ids, received a list of 1',
    )
    await expect(toTensors({ a: [1], b: [2] }, two, 'x')).rejects.toThrow('expected row, ids, received a, b')
    await expect(toTensors({ row: [[1, 2]], ids: [[4, 5]] }, two, 'x')).rejects.toThrow(/^x\.row: the shape/)
  })
})

describe('sharedRows', () => {
  const rows = (n: number) => new Tensor('float32', [n, 1], new Float32Array(n))

  it('is the number all arrays agree on', () => {
    expect(
      sharedRows([
        { where: 'x', tensor: rows(3) },
        { where: 'y', tensor: rows(3) },
      ]),
    ).toBe(3)
    expect(() =>
      sharedRows([
        { where: 'x', tensor: rows(3) },
        { where: 'y', tensor: rows(2) },
      ]),
    ).toThrow('y: the arrays have different numbers of rows; expected 3 rows, as in x, received 2')
  })

  it('refuses empty data', () => {
    expect(() => sharedRows([{ where: 'x', tensor: rows(0) }])).toThrow(
      'x: the data is empty; expected at least one row, received 0 rows',
    )
  })
})

describe('checkLabels', () => {
  it('names the first label that is no class and its row', () => {
    checkLabels(new Tensor('uint8', [3], new Uint8Array([0, 1, 9])), 10)
    expect(() => checkLabels(new Tensor('int64', [2, 1], new BigInt64Array([3n, 10n])), 10)).toThrow(
      'y: a label that is not a class number; expected whole numbers from 0 to 9, received 10 in row 1',
    )
    expect(() => checkLabels(new Tensor('float32', [1], new Float32Array([0.5])), 10)).toThrow('received 0.5 in row 0')
    expect(() => checkLabels(new Tensor('float32', [1], new Float32Array([-1])), 10)).toThrow('received -1 in row 0')
  })
})
