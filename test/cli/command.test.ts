import { describe, expect, it } from 'vitest'
import {
  type Command,
  choice,
  closest,
  defineCommand,
  flag,
  list,
  number,
  parseCommand,
  text,
} from '../../src/cli/command.ts'
import { commandHelp } from '../../src/cli/help.ts'
import { makeStyles } from '../../src/cli/terminal/style.ts'

const command = defineCommand({
  name: 'try',
  description: 'Tries options.',
  positionals: [{ name: 'FILE', description: 'A file' }],
  options: {
    input: list('X', 'An input'),
    output: text('OUT', 'Where to', { short: 'o' }),
    noShuffle: flag('In order'),
    epochs: number('N', 'How many', 'a whole number from 1', { whole: true, from: 1 }),
    era: choice('ERA', 'Which', ['keras2', 'keras3']),
  },
  examples: ['rekindle try x'],
  run: async () => {},
}) as Command

const parse = (...args: string[]) => parseCommand(command, args)

describe('parseCommand', () => {
  it('reads every kind of option in any place', () => {
    const { options, files } = parse(
      '--input',
      'a',
      'm.h5',
      '-o',
      'out',
      '--no-shuffle',
      '--input=b',
      '--epochs',
      '3',
      '--era=keras3',
    )
    expect(files).toEqual(['m.h5'])
    expect(options).toMatchObject({
      input: ['a', 'b'],
      output: 'out',
      noShuffle: true,
      epochs: 3,
      era: 'keras3',
      quiet: false,
    })
  })

  it('leaves out what is not given', () => {
    expect(parse('m.h5').options).toMatchObject({ input: [], output: undefined, noShuffle: false, epochs: undefined })
  })

  it.each<[string[], string]>([
    [['m', '--epoch', '3'], 'try has no option --epoch (did you mean --epochs?)'],
    [['m', '--whatever'], 'try has no option --whatever (rekindle try --help)'],
    [['m', '--epochs'], '--epochs needs a value: --epochs N'],
    [['m', '--no-shuffle=yes'], "--no-shuffle takes no value; received 'yes'"],
    [['m', '--epochs', '0'], "--epochs: not a number it takes; expected a whole number from 1, received '0'"],
    [['m', '--epochs', '1.5'], "--epochs: not a number it takes; expected a whole number from 1, received '1.5'"],
    [['m', '--epochs', ''], "--epochs: not a number it takes; expected a whole number from 1, received ''"],
    [['m', '--era', 'keras1'], "--era: unknown value; expected keras2, keras3, received 'keras1'"],
    [[], 'try takes FILE; received nothing (rekindle try --help)'],
    [['a', 'b'], "try takes FILE; received 'a' 'b' (rekindle try --help)"],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message)
  })

  it('asks for no file with --help', () => {
    expect(parse('--help').options.help).toBe(true)
  })
})

describe('closest', () => {
  it('finds a word with up to two slips', () => {
    expect(['trian', 'shwo', 'convrt', 'xyz', 'a'].map((word) => closest(word, ['train', 'show', 'convert']))).toEqual([
      'train',
      'show',
      'convert',
      undefined,
      undefined,
    ])
  })
})

describe('commandHelp', () => {
  it('lists every file and option', () => {
    const help = commandHelp(command, makeStyles(false))
    for (const part of [
      'rekindle try FILE [options]',
      '-o, --output OUT',
      '--input X',
      'may be given several times',
      '--no-shuffle',
      '--quiet',
      '$ rekindle try x',
    ]) {
      expect(help).toContain(part)
    }
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(104)
  })
})
