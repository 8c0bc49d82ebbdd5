import type { Tensor } from '../../index.ts'
import { count, measure, percent, plural } from '../terminal/format.ts'
import type { Styles } from '../terminal/style.ts'
import { tableLines } from '../terminal/table.ts'
import { printable } from '../terminal/text.ts'

const SHOWN_ROWS = 20
const SHOWN_VALUES = 8

export interface TableOptions {
  /** How many classes per row. */
  readonly top: number
  /** Names of the classes, by number. */
  readonly labels: readonly string[] | undefined
}

/** Predictions for people: the likeliest classes of each row, or the first values of it. */
export function predictionLines(name: string, output: Tensor, { top, labels }: TableOptions, style: Styles): string[] {
  const rows = output.shape[0] ?? 0
  const width = rows === 0 ? 0 : output.size / rows
  const values = output.data as ArrayLike<number | bigint>
  const isClasses = output.shape.length === 2 && width > 1
  const shown = Array.from({ length: Math.min(rows, SHOWN_ROWS) }, (_, row) => {
    const numbers = Array.from({ length: width }, (_, i) => Number(values[row * width + i]))
    const cells = isClasses ? classCells(numbers, top, labels, style) : valueCells(numbers)
    return [style.dim(String(row)), ...cells]
  })
  const cells = Math.max(0, ...shown.map((row) => row.length - 1))
  const padded = shown.map((row) => [...row, ...new Array<string>(cells + 1 - row.length).fill('')])
  const columns = Array.from({ length: cells }, (_, i) =>
    isClasses && i % 2 === 0
      ? ({ title: i === 0 ? 'class' : '', gap: 3 } as const)
      : ({ title: '', align: 'right' } as const),
  )
  const lines = [
    `${style.bold(printable(name))}  ${output.dtype} [${output.shape.join(', ')}]`,
    '',
    ...tableLines([{ title: 'row', align: 'right' }, ...columns], padded, style.dim),
  ]
  if (rows > SHOWN_ROWS)
    lines.push(style.dim(`  … ${plural(rows - SHOWN_ROWS, 'row')} more; --output FILE keeps them all`))
  return lines
}

/** The top classes with their values, in percent where the row is a distribution. */
function classCells(
  row: readonly number[],
  top: number,
  labels: readonly string[] | undefined,
  style: Styles,
): string[] {
  const sum = row.reduce((total, value) => total + value, 0)
  const isDistribution = Math.abs(sum - 1) < 1e-3 && row.every((value) => value >= 0)
  const order = row.map((_, i) => i).sort((a, b) => (row[b] as number) - (row[a] as number) || a - b)
  return order.slice(0, top).flatMap((label, rank) => {
    const name = printable(labels?.[label] ?? String(label))
    const value = row[label] as number
    const text = isDistribution ? percent(value) : measure(value)
    return rank === 0 ? [style.bold(name), style.ember(text)] : [name, style.dim(text)]
  })
}

function valueCells(row: readonly number[]): string[] {
  const cells = row.slice(0, SHOWN_VALUES).map(measure)
  return row.length > SHOWN_VALUES ? [...cells, `… ${count(row.length - SHOWN_VALUES)} more`] : cells
}
