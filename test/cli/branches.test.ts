import { expect, it } from 'vitest'
import { branchMarks } from '../../src/cli/show/branches.ts'

const marks = (...rows: [name: string, ...from: string[]][]) =>
  branchMarks(rows.map(([name, ...from]) => ({ name, from })))

it('marks the layers between a fork and its join', () => {
  expect(
    marks(
      ['input'],
      ['pool', 'input'],
      ['a', 'pool'],
      ['b', 'a'],
      ['shortcut', 'pool'],
      ['add', 'b', 'shortcut'],
      ['out', 'add'],
    ),
  ).toEqual(['', '', '├', '├', '└', '', ''])
})

it('marks skip connections and forks inside forks, one level deep', () => {
  expect(marks(['x'], ['a', 'x'], ['add', 'a', 'x'])).toEqual(['', '└', ''])
  expect(marks(['x'], ['a', 'x'], ['b', 'a'], ['inner', 'b', 'a'], ['outer', 'inner', 'x'])).toEqual([
    '',
    '├',
    '├',
    '└',
    '',
  ])
})

it('leaves chains, several inputs and very long branches alone', () => {
  expect(marks(['x'], ['a', 'x'])).toEqual(['', ''])
  expect(marks(['x'], ['y'], ['add', 'x', 'y'])).toEqual(['', '', ''])
  const long = Array.from({ length: 20 }, (_, i): [string, string] => [`l${i}`, i === 0 ? 'x' : `l${i - 1}`])
  expect(new Set(marks(['x'], ...long, ['add', 'l19', 'x']))).toEqual(new Set(['']))
})
