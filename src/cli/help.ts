import { COMMON_OPTIONS, type Command, optionName } from './command.ts'
import { COMMANDS } from './commands.ts'
import type { Styles } from './terminal/style.ts'

/** Lines are as long as the terminal, between these. */
const SHORTEST_LINE = 60
const LONGEST_LINE = 100
const INDENT = '  '

/** `rekindle --help`. */
export function overview(version: string, style: Styles): string {
  const names = Object.keys(COMMANDS)
  const width = Math.max(...names.map((name) => name.length)) + 3
  return [
    `${style.bold('rekindle')} ${version}  opens a saved neural network, runs it, trains it on, saves it back`,
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${style.bold(name.padEnd(width))}${summary}`),
    '',
    `${style.dim('More:')} rekindle COMMAND --help`,
    `${style.dim('Exit:')} 0 done, 2 for an error you can act on`,
  ].join('\n')
}

/** `rekindle COMMAND --help`. */
export function commandHelp(command: Command, style: Styles, columns = LONGEST_LINE): string {
  const lineWidth = Math.max(SHORTEST_LINE, Math.min(LONGEST_LINE, columns))
  const { name, description, positionals, options, examples, notes = [] } = command
  const usage = ['rekindle', name, ...positionals.map((positional) => positional.name), '[options]'].join(' ')
  const rows = [
    ...positionals.map((positional) => [positional.name, positional.description] as const),
    ...Object.entries({ ...options, ...COMMON_OPTIONS }).map(([key, option]) => {
      const long = option.hint === undefined ? optionName(key) : `${optionName(key)} ${option.hint}`
      const repeated = option.repeated ? '; may be given several times' : ''
      return [option.short ? `-${option.short}, ${long}` : long, option.description + repeated] as const
    }),
  ]
  const width = Math.max(...rows.map(([left]) => left.length)) + 3
  return [
    style.bold(usage),
    '',
    ...wrap(description, lineWidth),
    '',
    ...rows.flatMap(([left, right]) =>
      wrap(right, lineWidth - width - INDENT.length).map(
        (line, i) => `${INDENT}${style.cyan((i === 0 ? left : '').padEnd(width))}${line}`,
      ),
    ),
    ...notes.flatMap((note) => ['', ...wrap(note, lineWidth)]),
    '',
    ...examples.map((example) => `${style.dim('$')} ${example}`),
  ].join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
