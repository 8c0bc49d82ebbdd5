import { readFileSync } from 'node:fs'
import { RekindleError } from '../errors.ts'
import { type Command, closest, parseCommand } from './command.ts'
import { COMMANDS } from './commands.ts'
import { stylesFor } from './terminal/style.ts'
import { Terminal } from './terminal/terminal.ts'
import { printable } from './terminal/text.ts'

/** The exit code for an error that the user can act on. */
const EXIT_ERROR = 2

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

async function run(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const { overview } = await import('./help.ts')
    process.stdout.write(`${overview(packageVersion(), stylesFor(process.stdout))}\n`)
    return
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${packageVersion()}\n`)
    return
  }
  const command = await findCommand(name)
  const { options, files } = parseCommand(command, rest)
  if (options.help) {
    const { commandHelp } = await import('./help.ts')
    process.stdout.write(`${commandHelp(command, stylesFor(process.stdout), process.stdout.columns)}\n`)
    return
  }
  const terminal = new Terminal({ quiet: options.quiet === true })
  try {
    await command.run({ options, files, terminal })
  } finally {
    terminal.live.clear()
  }
}

async function findCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (entry !== undefined) return entry.load()
  if (name.startsWith('-')) {
    throw new RekindleError('E_INVALID_ARGUMENT', `unknown option ${name}`, { hint: 'rekindle --help' })
  }
  const near = closest(name, Object.keys(COMMANDS))
  const hint = near === undefined ? 'rekindle --help' : `did you mean ${near}?`
  throw new RekindleError('E_INVALID_ARGUMENT', `unknown command '${name}'`, { hint })
}

/** One line for people; the whole story with `--debug`. */
function report(error: unknown, debug: boolean): void {
  const message = error instanceof Error ? error.message : String(error)
  const known = error instanceof RekindleError
  const line = printable(message.replace(/\s*\n\s*/g, ' '))
  process.stderr.write(`rekindle: ${known ? line : `unexpected error: ${line} (--debug shows more)`}\n`)
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  if (debug && error instanceof Error && error.cause !== undefined) process.stderr.write(`${String(error.cause)}\n`)
}

/**
 * A reader that went away (`| head`) must not end a training: what cannot be printed is dropped. Where the facts have
 * no place (a full disk), the work still goes on, and the exit code and one line say so.
 */
function onPrintError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || process.exitCode === EXIT_ERROR) return
  process.exitCode = EXIT_ERROR
  report(new RekindleError('E_IO_WRITE', 'cannot be written', { where: 'stdout', hint: error.message }), false)
}

process.stdout.on('error', onPrintError)
process.stderr.on('error', () => {})

const args = process.argv.slice(2)
try {
  await run(args)
} catch (error) {
  report(error, args.includes('--debug'))
  process.exitCode = EXIT_ERROR
}
