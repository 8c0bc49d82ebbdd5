import type { LayerDescription, ModelDoc } from '../../index.ts'
import { shareBar } from '../terminal/bars.ts'
import { count, rowShape } from '../terminal/format.ts'
import type { Styles } from '../terminal/style.ts'
import { tableLines, truncate } from '../terminal/table.ts'
import { printable } from '../terminal/text.ts'
import { branchMarks } from './branches.ts'

const SHARE_WIDTH = 10
const NAME_WIDTH = 36
const TYPE_WIDTH = 28

/** The table of layers. A layer that follows the one above it needs no word about where its input comes from. */
export function layerTable(layers: readonly LayerDescription[], style: Styles, available?: number): string[] {
  const most = Math.max(1, ...layers.map(({ params }) => params ?? 0))
  const marks = branchMarks(layers)
  const rows = layers.map(({ name, className, detail, outputShape, params, from, depth }, i) => {
    const chained = from.length === 0 || (from.length === 1 && from[0] === layers[i - 1]?.name)
    return [
      '  '.repeat(depth) + (marks[i] ? `${marks[i]} ` : '') + style.bold(truncate(printable(name), NAME_WIDTH)),
      truncate(printable(detail === '' ? className : `${className} ${detail}`), TYPE_WIDTH),
      outputShape === null ? style.dim('?') : style.cyan(rowShape(outputShape)),
      params === null ? style.dim('?') : params === 0 ? style.dim('0') : count(params),
      style.ember(shareBar((params ?? 0) / most, SHARE_WIDTH)),
      chained ? '' : style.dim(printable(from.join(', '))),
    ]
  })
  const columns = [
    { title: 'layer' },
    { title: 'type' },
    { title: 'output', spare: true },
    { title: 'params', align: 'right' },
    { title: 'share', gap: 3, width: SHARE_WIDTH, spare: true },
    { title: 'from', gap: 1, spare: true },
  ] as const
  return tableLines(columns, rows, style.dim, available)
}

/** What a file without an architecture holds. */
export function weightTable({ weights }: ModelDoc, style: Styles): string[] {
  const rows = [...weights].map(([name, { dtype, shape }]) => [
    style.bold(printable(name)),
    dtype,
    style.cyan(shape.length === 0 ? 'scalar' : shape.join('×')),
  ])
  return tableLines([{ title: 'weight' }, { title: 'type' }, { title: 'shape' }], rows, style.dim)
}
