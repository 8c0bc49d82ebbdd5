import { parseArgs } from 'node:util'
import { RekindleError } from '../errors.ts'
import type { Terminal } from './terminal/terminal.ts'

/** One option of a command: how it is written, explained and read. T is what the command gets. */
export interface Option<T> {
  /** What stands behind the option in the help: `FILE`; absent for a flag. */
  readonly hint?: string
  readonly description: string
  /** One letter. */
  readonly short?: string
  readonly repeated?: boolean
  /** `name` is the option as the user writes it, for messages. */
  readonly read: (given: readonly string[], name: string) => T
}

export interface Positional {
  readonly name: string
  readonly description: string
}

// `any` would be the usual constraint here; `never` in the parameter accepts every option just as well.
type Options = { readonly [name: string]: Option<unknown> }
type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never }

export interface CommandContext<O extends Options> {
  readonly options: Values<O>
  /** As many as the command has positionals. */
  readonly files: readonly string[]
  readonly terminal: Terminal
}

export interface Command<O extends Options = Options> {
  readonly name: string
  /** One or more sentences for `--help`. */
  readonly description: string
  readonly positionals: readonly Positional[]
  readonly options: O
  readonly examples: readonly string[]
  readonly notes?: readonly string[]
  run(context: CommandContext<O>): Promise<void>
}

/** A command whose options are typed by their table. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command
}

interface Extras {
  readonly short?: string
}

/** True when given. */
export function flag(description: string, extras: Extras = {}): Option<boolean> {
  return { description, ...extras, read: (given) => given.length > 0 }
}

/** The text as it is; the last one counts. */
export function text(hint: string, description: string, extras: Extras = {}): Option<string | undefined> {
  return { hint, description, ...extras, read: (given) => given.at(-1) }
}

/** May be given several times. */
export function list(hint: string, description: string, extras: Extras = {}): Option<readonly string[]> {
  return { hint, description, ...extras, repeated: true, read: (given) => given }
}

interface Range {
  readonly whole?: boolean
  /** The smallest number allowed. */
  readonly from?: number
  readonly below?: number
}

/** A number; `expected` says in a message what is allowed. */
export function number(
  hint: string,
  description: string,
  expected: string,
  { whole = false, from = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY }: Range = {},
): Option<number | undefined> {
  const read = (given: readonly string[], name: string): number | undefined => {
    const last = given.at(-1)
    if (last === undefined) return undefined
    const value = last.trim() === '' ? Number.NaN : Number(last)
    const fits = Number.isFinite(value) && value >= from && value < below && (!whole || Number.isSafeInteger(value))
    if (fits) return value
    throw new RekindleError('E_INVALID_ARGUMENT', `${name}: not a number it takes`, { expected, received: `'${last}'` })
  }
  return { hint, description, read }
}

/** One of a few words. */
export function choice<const T extends string>(
  hint: string,
  description: string,
  words: readonly T[],
): Option<T | undefined> {
  const read = (given: readonly string[], name: string): T | undefined => {
    const last = given.at(-1)
    const found = words.find((word) => word === last)
    if (last === undefined || found !== undefined) return found
    throw new RekindleError('E_INVALID_ARGUMENT', `${name}: unknown value`, {
      expected: words.join(', '),
      received: `'${last}'`,
    })
  }
  return { hint, description, read }
}

/** Every command has these. */
export const COMMON_OPTIONS = {
  quiet: flag('No progress and no warnings'),
  debug: flag('Show where in the program an error comes from'),
  help: flag('Show this help', { short: 'h' }),
}

/** The option as it is typed: `validationSplit` is `--validation-split`. */
export function optionName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

export interface ParsedArguments {
  readonly options: { readonly [key: string]: unknown }
  readonly files: readonly string[]
}

/**
 * Reads the arguments of one command.
 * @throws RekindleError `E_INVALID_ARGUMENT` for an unknown option, a missing value, too few or too many files.
 */
export function parseCommand(command: Command, args: readonly string[]): ParsedArguments {
  const all: Options = { ...command.options, ...COMMON_OPTIONS }
  const byName = new Map(Object.entries(all).map(([key, option]) => [optionName(key).slice(2), { key, option }]))
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      [...byName].map(([name, { option }]) => [
        name,
        {
          type: option.hint === undefined ? 'boolean' : 'string',
          ...(option.short && { short: option.short }),
        } as const,
      ]),
    ),
  })
  const given = new Map<string, string[]>()
  const files: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') files.push(token.value)
    if (token.kind !== 'option') continue
    const known = byName.get(token.name)
    if (known === undefined) throw unknownOption(command, token.rawName, [...byName.keys()])
    const wantsValue = known.option.hint !== undefined
    if (wantsValue && token.value === undefined) {
      throw new RekindleError(
        'E_INVALID_ARGUMENT',
        `${token.rawName} needs a value: ${token.rawName} ${known.option.hint}`,
      )
    }
    if (!wantsValue && token.value !== undefined) {
      throw new RekindleError('E_INVALID_ARGUMENT', `${token.rawName} takes no value`, { received: `'${token.value}'` })
    }
    given.set(known.key, [...(given.get(known.key) ?? []), token.value ?? ''])
  }
  if (!given.has('help')) checkFiles(command, files)
  const options = Object.fromEntries(
    Object.entries(all).map(([key, option]) => [key, option.read(given.get(key) ?? [], optionName(key))]),
  )
  return { options, files }
}

function checkFiles({ name, positionals }: Command, files: readonly string[]): void {
  if (files.length === positionals.length) return
  const wanted = positionals.map((positional) => positional.name).join(' ')
  throw new RekindleError('E_INVALID_ARGUMENT', `${name} takes ${wanted === '' ? 'no files' : wanted}`, {
    received: files.length === 0 ? 'nothing' : files.map((file) => `'${file}'`).join(' '),
    hint: `rekindle ${name} --help`,
  })
}

function unknownOption({ name }: Command, given: string, known: readonly string[]): RekindleError {
  const near = closest(given.replace(/^-+/, ''), known)
  const hint = near === undefined ? `rekindle ${name} --help` : `did you mean --${near}?`
  return new RekindleError('E_INVALID_ARGUMENT', `${name} has no option ${given}`, { hint })
}

/** The known word that is at most two changes away (Levenshtein). */
export function closest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((candidate) => ({ candidate, changes: distance(word, candidate) }))
  ranked.sort((a, b) => a.changes - b.changes)
  const [best] = ranked
  return best !== undefined && best.changes <= Math.min(2, word.length - 1) ? best.candidate : undefined
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
