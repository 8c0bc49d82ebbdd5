import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/cli/command.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { commandHelp } from '../../src/cli/help.ts'
import { progressBar, shareBar, sparkline } from '../../src/cli/terminal/bars.ts'
import {
  bytes,
  count,
  duration,
  measure,
  milliseconds,
  percent,
  rowShape,
  setting,
} from '../../src/cli/terminal/format.ts'
import { LiveLine } from '../../src/cli/terminal/live-line.ts'
import { makeStyles } from '../../src/cli/terminal/style.ts'
import { pad, tableLines, truncate } from '../../src/cli/terminal/table.ts'
import { jsonValue } from '../../src/cli/terminal/terminal.ts'
import { printable } from '../../src/cli/terminal/text.ts'

describe('numbers', () => {
  it('are written for people', () => {
    expect([count(461322), count(2n ** 60n)]).toEqual(['461,322', '1,152,921,504,606,846,976'])
    expect([0, 1, 999, 1000, 5_310_000, 999_960, 123_456_789].map(bytes)).toEqual([
      '0 bytes',
      '1 byte',
      '999 bytes',
      '1.0 kB',
      '5.3 MB',
      '1.0 MB',
      '123 MB',
    ])
    expect([0, 0.21144, 12.346, 1234.56, 1.3e-7, Number.NaN].map(measure)).toEqual([
      '0',
      '0.2114',
      '12.35',
      '1234.6',
      '1.30e-7',
      'NaN',
    ])
    expect([percent(0.94017), percent(1)]).toEqual(['94.02%', '100.00%'])
    expect([0.2081, 3.42, 31.4].map(milliseconds)).toEqual(['0.21', '3.4', '31'])
    expect([400, 58_000, 192_000, 3_599_900, 7_500_000].map(duration)).toEqual([
      '0.4 s',
      '58 s',
      '3 min 12 s',
      '1 h 00 min',
      '2 h 05 min',
    ])
    expect([[null, 28, 28, 1], [null, null, 4], [null]].map(rowShape)).toEqual(['28×28×1', '?×4', '1'])
  })

  it('of a config are written as their author did', () => {
    expect([Math.fround(0.001), 0.1, 1 / 3].map(setting)).toEqual(['0.001', '0.1', '0.3333333'])
  })

  it('that JSON lacks become strings', () => {
    expect(JSON.stringify({ a: Number.NaN, b: 3n, c: 1 }, jsonValue)).toBe('{"a":"NaN","b":3,"c":1}')
  })
})

describe('help', () => {
  it.each([40, 60, 80, 200])('fits a terminal of %i columns, down to 60 and up to 100', async (columns) => {
    const command = (await COMMANDS.train?.load()) as Command
    const lines = commandHelp(command, makeStyles(false), columns).split('\n')
    const text = lines.filter((line) => !line.startsWith('$'))
    const longest = Math.max(...text.map((line) => line.length))
    expect(longest).toBeLessThanOrEqual(Math.max(60, Math.min(100, columns)))
    expect(longest).toBeGreaterThan(Math.min(100, columns) - 15)
  })
})

describe('tables', () => {
  it('line up by display width, colours and wide characters included', () => {
    const { bold } = makeStyles(true)
    const lines = tableLines(
      [{ title: 'name' }, { title: 'n', align: 'right' }],
      [
        [bold('入力'), '1'],
        ['abc', '10'],
      ],
      (title) => title,
    )
    expect(lines).toEqual(['  name   n', `  ${bold('入力')}   1`, '  abc   10'])
    expect(pad('入', 3)).toBe('入 ')
  })

  it('leave out a column that is empty', () => {
    const columns = [{ title: 'a' }, { title: 'b' }, { title: 'c' }]
    expect(tableLines(columns, [['1', '', '2']], (title) => title)).toEqual(['  a  c', '  1  2'])
  })

  it('leave out what can be spared in a narrow terminal, from the right', () => {
    const columns = [
      { title: 'name' },
      { title: 'shape', spare: true },
      { title: 'n' },
      { title: 'share', spare: true },
    ]
    const widths = [25, 18, 11, 3].map((width) => tableLines(columns, [['a', 'b', 'c', 'd']], (x) => x, width)[0])
    expect(widths).toEqual(['  name  shape  n  share', '  name  shape  n', '  name  n', '  name  n'])
  })

  it('cut long texts and defuse control characters', () => {
    expect([truncate('abcdef', 4), truncate('abc', 4), truncate('入力入力', 4)]).toEqual(['abc…', 'abc', '入…'])
    expect(printable('a\x1b]0;title\x07\u202e')).toBe('a\ufffd]0;title\ufffd\ufffd')
  })
})

describe('bars', () => {
  it('show shares in eighths', () => {
    expect([0, 1 / 80, 0.5, 1, 2, -1].map((share) => shareBar(share, 10))).toEqual([
      '',
      '▏',
      '█████',
      '██████████',
      '██████████',
      '',
    ])
  })

  it('show progress, with and without colours', () => {
    expect(progressBar(0.5, 4, makeStyles(false))).toBe('━━╌╌')
    expect(progressBar(0.5, 4, makeStyles(true))).toBe('\x1b[38;5;208m━━\x1b[39m\x1b[2m━━\x1b[22m')
  })

  it('draw the course of a quantity', () => {
    expect(sparkline([3, 2, 1], 10)).toBe('█▅▁')
    expect(sparkline([4, 4, 2, 2, 0, 0], 3)).toBe('█▅▁')
    expect(sparkline([1, Number.NaN, 2], 10)).toBe('▁ █')
    expect([sparkline([5, 5], 10), sparkline([], 10), sparkline([Number.NaN], 10)]).toEqual(['▁▁', '', ''])
  })
})

describe('LiveLine', () => {
  const makeStream = (isTTY: boolean) => {
    const written: string[] = []
    return { isTTY, columns: 40, written, write: (text: string) => written.push(text) }
  }

  it('draws at most every tenth of a second', () => {
    const stream = makeStream(true)
    let time = 0
    const line = new LiveLine(stream, { now: () => time })
    for (; time < 1000; time++) line.update((columns) => `${time} of ${columns}`)
    expect(stream.written.length).toBe(10)
    expect(stream.written.at(-1)).toBe('\r\x1b[2K900 of 40')
    line.clear()
    expect(stream.written.at(-1)).toBe('\r\x1b[2K')
  })

  it('stays silent where there is no terminal', () => {
    const stream = makeStream(false)
    const line = new LiveLine(stream)
    line.update(() => 'x')
    line.clear()
    expect(stream.written).toEqual([])
  })
})
