import { LiveLine } from './live-line.ts'
import { type Styles, stylesFor } from './style.ts'
import { printable } from './text.ts'

/** Where a report goes line by line, and its colours there. */
export interface Voice {
  readonly style: Styles
  readonly print: (line?: string) => void
}

/** How a command speaks: facts to stdout, progress and warnings to stderr. */
export class Terminal {
  /** Styles of stdout. */
  readonly style: Styles
  /** Styles of stderr. */
  readonly noteStyle: Styles
  readonly quiet: boolean
  readonly live: LiveLine

  constructor({ quiet = false } = {}) {
    this.quiet = quiet
    this.style = stylesFor(process.stdout)
    this.noteStyle = stylesFor(process.stderr)
    this.live = new LiveLine(process.stderr, { enabled: !quiet })
  }

  /** Cells in a line of stdout; no end to them where that is no terminal. */
  get columns(): number {
    return process.stdout.columns || Number.POSITIVE_INFINITY
  }

  /** A line of facts. */
  print(line = ''): void {
    this.live.clear()
    process.stdout.write(`${line}\n`)
  }

  /** A value as JSON, for programs. Numbers that JSON lacks (NaN, Infinity) become strings, bigints numbers. */
  json(value: unknown): void {
    this.print(JSON.stringify(value, jsonValue, 2))
  }

  /** A line about what goes on; not with `--quiet`. */
  note(line = ''): void {
    if (this.quiet) return
    this.live.clear()
    process.stderr.write(`${line}\n`)
  }

  /** For a report that is not the result itself: on stdout, or on stderr when that holds JSON; not with `--quiet`. */
  report(json: boolean): Voice {
    if (json || this.quiet) return { style: this.noteStyle, print: (line) => this.note(line) }
    return { style: this.style, print: (line) => this.print(line) }
  }

  /** Something the user should know, marked `!`; not with `--quiet`. */
  warn(message: string): void {
    this.note(`  ${this.noteStyle.yellow('!')} ${printable(message)}`)
  }
}

export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return value
}
