import { formatShape } from '../tensor/index.ts'
import { describeModel } from './describe.ts'
import type { Model } from './model.ts'

/** Keras's summary: one line per layer with its output shape and number of parameters, then the totals. */
export function summaryText(model: Model): string {
  const { layers, totalParams, trainableParams } = describeModel(model)
  const rows = [
    ['layer', 'type', 'output', 'params'],
    ...layers.map(({ name, className, outputShape, params, depth }) => [
      `${'  '.repeat(depth)}${name}`,
      className,
      outputShape ? formatShape(outputShape) : '?',
      params === null ? '?' : count(params),
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 3 ? cell.padStart(widths[3] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  )
  return [
    `model ${model.name}`,
    ...lines,
    `${count(totalParams)} params, ${count(trainableParams)} trainable, ${count(totalParams - trainableParams)} frozen`,
  ].join('\n')
}

function count(value: number): string {
  return value.toLocaleString('en')
}
