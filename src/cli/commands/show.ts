import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { ModelDescription, ModelDoc } from '../../index.ts'
import { defineCommand, flag } from '../command.ts'
import { layerTable, weightTable } from '../show/tables.ts'
import { trainingFacts } from '../show/training-facts.ts'
import { bytes, count } from '../terminal/format.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { printable } from '../terminal/text.ts'

export const show = defineCommand({
  name: 'show',
  description:
    'Shows what a model file is, who wrote it, its layers, weights, optimizer and training settings. Reads no weight data, so it is instant on a file of any size, and runs nothing from the file.',
  positionals: [{ name: 'FILE', description: 'The model' }],
  options: { json: flag('The facts as JSON') },
  examples: ['rekindle show my_model.h5', 'rekindle show my_model.h5 --json | jq .layers'],
  async run({ files: [file = ''], options, terminal }) {
    const { describeDoc, open } = await import('../../index.ts')
    const doc = await open(file)
    try {
      const description = describeDoc(doc)
      if (options.json) {
        terminal.json(jsonFacts(doc, description))
        return
      }
      for (const line of showLines(file, doc, description, terminal)) terminal.print(line)
      for (const { message, where } of doc.warnings) {
        terminal.warn(where === undefined ? message : `${where}: ${message}`)
      }
    } finally {
      await doc.close()
    }
  },
})

function showLines(
  file: string,
  doc: ModelDoc,
  description: ModelDescription,
  { style, columns }: Pick<Terminal, 'style' | 'columns'>,
): string[] {
  const { inputs, outputs, layers, totalParams, trainableParams } = description
  const size = fileSize(file)
  const about = [printable(doc.description), ...(size === null ? [] : [bytes(size)])].join(', ')
  const lines = [`${style.bold(printable(basename(file)))}  ${about}`]
  for (const [title, ports] of [
    ['input', inputs],
    ['output', outputs],
  ] as const) {
    for (const { name, dtype, shape } of ports) {
      const free = shape?.map((dim) => dim ?? 'N').join(', ')
      const label = ports.length > 1 ? `  ${style.dim(printable(name))}` : ''
      lines.push(`${style.dim(title.padEnd(8))}${dtype} ${free === undefined ? '' : `[${free}]`}${label}`)
    }
  }
  lines.push('', ...(layers.length > 0 ? layerTable(layers, style, columns) : weightTable(doc, style)))
  lines.push(
    '',
    `  ${style.bold(count(totalParams))} params, ${count(trainableParams)} trainable, ${style.bold(bytes(description.bytes))} ${dtypes(doc)}`.trimEnd(),
  )
  const facts = trainingFacts(doc, style)
  if (facts !== '') lines.push(`  ${facts}`)
  return lines
}

/** `float32`; several kinds in the order of the file. */
function dtypes({ weights }: ModelDoc): string {
  return [...new Set([...weights.values()].map(({ dtype }) => dtype))].join(' and ')
}

/** Null for a URL. */
function fileSize(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null
}

function jsonFacts(doc: ModelDoc, description: ModelDescription): unknown {
  const { compile = null, iterations = null, slots = [], run = null } = doc.training ?? {}
  return {
    format: doc.format,
    description: doc.description,
    producer: doc.producer,
    ...description,
    weights: [...doc.weights].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    training: doc.training && {
      ...compile,
      iterations,
      slots: slots.map(({ weight, slot, value }) => ({ weight, slot, dtype: value.dtype, shape: value.shape })),
      run,
    },
    warnings: doc.warnings,
  }
}
