import { checkWritable, writeAtomically } from '#platform'
import { RekindleError } from '../../errors.ts'
import type { History } from '../../index.ts'
import { jsonValue } from '../terminal/terminal.ts'

type Format = (history: History) => string

/** Forms of `--history` by extension. */
const FORMATS: { readonly [extension: string]: Format } = {
  /** Keras's `History.history`: one list per name. */
  '.json': ({ history }) => `${JSON.stringify(history, jsonValue, 2)}\n`,
  /** Keras's `CSVLogger`: one row per epoch, epochs counted from 0. */
  '.csv': ({ history, epoch }) => {
    const names = Object.keys(history)
    const rows = epoch.map((number, i) => [number, ...names.map((name) => history[name]?.[i] ?? '')].join(','))
    return `${[['epoch', ...names].join(','), ...rows].join('\n')}\n`
  },
}

/** @throws RekindleError `E_UNSUPPORTED_FORMAT` for another extension. */
export function historyFormat(path: string): Format {
  const extension = Object.keys(FORMATS).find((known) => path.toLowerCase().endsWith(known))
  if (extension !== undefined) return FORMATS[extension] as Format
  throw new RekindleError('E_UNSUPPORTED_FORMAT', '--history: unknown extension', {
    expected: Object.keys(FORMATS).join(' or '),
    received: path,
  })
}

/** Checks that a history can be written there, and gives the function that does it when the training is over. */
export async function planHistory(path: string): Promise<(history: History) => Promise<void>> {
  const format = historyFormat(path)
  await checkWritable(path)
  return (history) => writeAtomically(path, (write) => write(new TextEncoder().encode(format(history))))
}
