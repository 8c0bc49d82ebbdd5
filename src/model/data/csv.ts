import { RekindleError } from '../../errors.ts'
import { sizeOf, Tensor } from '../../tensor/index.ts'

const NEWLINE = 10
const SEPARATORS = [',', ';', '\t'] as const
/** Python's and C's spellings of what JavaScript's `Number` does not read. */
const SPECIAL: { readonly [text: string]: number } = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
}

/**
 * A table of numbers as float64 [rows, columns]. Commas, semicolons or tabs, whichever the first line has; a first
 * line of names is passed over, and so are empty lines and those that begin with `#`.
 *
 * @throws RekindleError `E_INVALID_CSV` that names line and column.
 */
export function parseCsv(bytes: Uint8Array, where: string): Tensor<'float64'> {
  const decoder = new TextDecoder()
  const rows: Float64Array[] = []
  let separator: string | null = null
  let lineNumber = 0
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline === -1 ? bytes.length : newline
    const line = decoder.decode(bytes.subarray(start, end)).trim()
    start = end + 1
    lineNumber++
    if (line === '' || line.startsWith('#')) continue
    const isFirst = separator === null
    separator ??= SEPARATORS.find((candidate) => line.includes(candidate)) ?? ','
    const cells = line.split(separator)
    const row = Float64Array.from(cells, parseCell)
    const bad = cells.findIndex((cell, i) => Number.isNaN(row[i]) && !isNaNText(cell))
    // Names of columns: a line without a single number.
    if (isFirst && bad !== -1 && cells.every((cell, i) => Number.isNaN(row[i]) && !isNaNText(cell))) continue
    if (bad !== -1) throw invalidCell(where, lineNumber, bad, cells[bad] as string)
    const expected = rows[0]?.length ?? row.length
    if (row.length !== expected) {
      throw new RekindleError('E_INVALID_CSV', 'rows of different lengths', {
        where: `${where}, line ${lineNumber}`,
        expected: `${expected} columns`,
        received: String(row.length),
      })
    }
    rows.push(row)
  }
  const columns = rows[0]?.length ?? 0
  const data = new Float64Array(rows.length * columns)
  rows.forEach((row, i) => {
    data.set(row, i * columns)
  })
  return new Tensor('float64', [rows.length, columns], data)
}

function parseCell(cell: string): number {
  const text = unquote(cell)
  if (text === '') return Number.NaN
  const value = Number(text)
  return Number.isNaN(value) ? (SPECIAL[text.toLowerCase()] ?? Number.NaN) : value
}

function unquote(cell: string): string {
  return cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
}

function isNaNText(cell: string): boolean {
  return unquote(cell).toLowerCase() === 'nan'
}

function invalidCell(where: string, line: number, column: number, cell: string): RekindleError {
  return new RekindleError('E_INVALID_CSV', 'not a number', {
    where: `${where}, line ${line}, column ${column + 1}`,
    received: cell.trim() === '' ? 'nothing' : `'${cell.trim().slice(0, 40)}'`,
  })
}

/** The lines of a table: one per row, further dimensions flattened. */
export function* csvLines({ shape, data }: Tensor): Generator<string> {
  const rows = shape[0] ?? 1
  const width = rows === 0 ? 0 : sizeOf(shape) / rows
  const values = data as ArrayLike<unknown>
  for (let row = 0; row < rows; row++) {
    yield `${Array.from({ length: width }, (_, i) => String(values[row * width + i])).join(',')}\n`
  }
}
