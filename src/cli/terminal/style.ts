import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

const paint = (open: string, close: number) => (text: string) => `\x1b[${open}m${text}\x1b[${close}m`

/** The whole palette. Ember is the colour of Rekindle: what is new, what moves, what weighs most. */
const PALETTE = {
  bold: paint('1', 22),
  dim: paint('2', 22),
  red: paint('31', 39),
  green: paint('32', 39),
  yellow: paint('33', 39),
  cyan: paint('36', 39),
  ember: paint('38;5;208', 39),
}

export type Style = (text: string) => string
export type Styles = { readonly [name in keyof typeof PALETTE]: Style } & { readonly colour: boolean }

const plain: Style = (text) => text

/** The styles for a stream: plain text when it is piped or NO_COLOR is set (`util.styleText` knows the rules). */
export function stylesFor(stream: NodeJS.WritableStream): Styles {
  const probe = 'x'
  const colour = styleText('red', probe, { stream: stream as WriteStream, validateStream: true }) !== probe
  return makeStyles(colour)
}

export function makeStyles(colour: boolean): Styles {
  if (colour) return { ...PALETTE, colour }
  const none = Object.fromEntries(Object.keys(PALETTE).map((name) => [name, plain]))
  return { ...(none as { [name in keyof typeof PALETTE]: Style }), colour }
}
