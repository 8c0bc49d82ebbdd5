import displayWidth from 'fast-string-width'

export { displayWidth }

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Spaces before the column; 2 when absent. */
  readonly gap?: number
  /** At least this many characters, for tables that grow row by row. */
  readonly width?: number
  /** Left out where the terminal is too narrow for the table, the last one first. */
  readonly spare?: boolean
}

/** Pads to a width in terminal cells; colours take none, wide characters take two. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + space : space + text
}

/**
 * Lines of a table without borders: the titles, then the rows. A column without titles and cells is left out.
 * @param available Cells in a line of the terminal.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  titleStyle: (text: string) => string,
  available = Number.POSITIVE_INFINITY,
): string[] {
  const used = columns.map((column, i) => column.width !== undefined || rows.some((row) => row[i] !== ''))
  const widths = columns.map(({ title, width = 0 }, i) =>
    Math.max(width, displayWidth(title), ...rows.map((row) => displayWidth(row[i] ?? ''))),
  )
  const total = () => widths.reduce((sum, width, i) => sum + (used[i] ? width + (columns[i]?.gap ?? 2) : 0), 0)
  for (let i = columns.length - 1; i >= 0 && total() > available; i--) if (columns[i]?.spare) used[i] = false
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align, gap = 2 }, i) =>
        used[i] ? ' '.repeat(gap) + pad(cells[i] ?? '', widths[i] as number, align) : '',
      )
      .join('')
      .trimEnd()
  return [titleStyle(line(columns.map(({ title }) => title))), ...rows.map(line)]
}

/** Cuts a text to a width in cells, with `…` where something is missing; for text without colours. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  for (const character of text) {
    if (displayWidth(kept + character) >= width) break
    kept += character
  }
  return `${kept}…`
}
