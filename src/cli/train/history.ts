import { RekindleError } from '../../errors.ts'
import type { History } from '../../index.ts'
import { jsonValue } from '../terminal/terminal.ts'

type Writer = (history: History) => string

/** Forms of `--history` by extension. */
const WRITERS: { readonly [extension: string]: Writer } = {
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
export function historyWriter(path: string): Writer {
  const extension = Object.keys(WRITERS).find((known) => path.toLowerCase().endsWith(known))
  if (extension !== undefined) return WRITERS[extension] as Writer
  throw new RekindleError('E_UNSUPPORTED_FORMAT', '--history: unknown extension', {
    expected: Object.keys(WRITERS).join(' or '),
    received: path,
  })
}
