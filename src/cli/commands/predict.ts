import { checkWritable } from '#platform'
import { RekindleError } from '../../errors.ts'
import type { Tensor } from '../../index.ts'
import { defineCommand, flag, list, number, text } from '../command.ts'
import type { Port } from '../data.ts'
import { loadWithNotice } from '../model.ts'
import { predictInputs, readBytes } from '../predict/inputs.ts'
import { predictionLines } from '../predict/table.ts'
import { progressBar } from '../terminal/bars.ts'
import { count, plural } from '../terminal/format.ts'
import type { Terminal } from '../terminal/terminal.ts'

const BAR_WIDTH = 25
const DEFAULT_TOP = 3

export const predict = defineCommand({
  name: 'predict',
  description:
    'Runs a model on arrays (.npy, .npz, .csv, .json) or pictures (PNG, JPEG, WebP: RGB or grey from 0 to 255, resized bilinearly to what the model takes).',
  positionals: [{ name: 'FILE', description: 'The model' }],
  options: {
    input: list('X', 'A file for each input in order, or NAME=X; for one input also several pictures', { short: 'i' }),
    output: text(
      'Y',
      'Where the predictions go: .npy (one output), .npz, .csv or .json. Without it a table is printed',
      {
        short: 'o',
      },
    ),
    weights: text('W', 'Take the weights from this file'),
    scale: flag('Divide the values of pictures by 255'),
    top: number('K', `How many classes the table shows per row (${DEFAULT_TOP})`, 'a whole number from 1', {
      whole: true,
      from: 1,
    }),
    labels: text('FILE', 'Names of the classes for the table, one per line'),
    batchSize: number('B', 'Rows per run (32)', 'a whole number from 1', { whole: true, from: 1 }),
    json: flag('The predictions as JSON on stdout'),
  },
  examples: [
    'rekindle predict my_model.h5 --input x_test.npy --output y.npy',
    'rekindle predict mobilenet.keras --input cat.jpg --top 5 --labels imagenet.txt',
  ],
  async run({ files: [file = ''], options, terminal }) {
    const { checkArrayOutput, writeArrays } = await import('../../index.ts')
    const { output } = options
    if (options.input.length === 0) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'predict needs something to run on', { expected: '--input X' })
    }
    const model = await loadWithNotice(file, options.weights, terminal)
    const labels = options.labels === undefined ? undefined : await readLabels(options.labels, model.outputs)
    if (output !== undefined) {
      const names = model.outputs.map(({ name }) => name)
      checkArrayOutput(output, names)
      await checkWritable(output)
    }
    const inputs = await predictInputs(options.input, model.inputs, options.scale)
    const tensors = await model.predictAll(inputs, {
      batchSize: options.batchSize ?? 32,
      onProgress: (rows, of) => showProgress(rows, of, terminal),
    })
    terminal.live.clear()
    const outputs = new Map(model.outputs.map(({ name }, i) => [name, tensors[i] as Tensor]))
    await model.dispose()
    if (output !== undefined) {
      await writeArrays(output, outputs)
      const shapes = [...outputs].map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape.join(', ')}]`)
      terminal.note(`saved ${terminal.noteStyle.bold(output)}: ${shapes.join(', ')}`)
    }
    if (options.json) terminal.json(Object.fromEntries([...outputs].map(([name, tensor]) => [name, tensor.toArray()])))
    if (output !== undefined || options.json) return
    for (const [name, tensor] of outputs) {
      const top = options.top ?? DEFAULT_TOP
      for (const line of predictionLines(name, tensor, { top, labels }, terminal.style)) terminal.print(line)
    }
  },
})

function showProgress(rows: number, of: number, terminal: Terminal): void {
  terminal.live.update(
    () => `  ${progressBar(rows / of, BAR_WIDTH, terminal.noteStyle)}  ${count(rows)}/${count(of)} rows`,
  )
}

/**
 * Names of the classes, one per line.
 * @throws RekindleError `E_INVALID_DATA` when no output has as many classes.
 */
async function readLabels(path: string, outputs: readonly Port[]): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await readBytes(path))
  const labels = text.trimEnd().split(/\r?\n/)
  const classes = outputs.flatMap(({ shape }) => (shape.length === 2 ? [shape[1]] : []))
  if (classes.includes(labels.length) || classes.includes(null)) return labels
  throw new RekindleError('E_INVALID_DATA', 'not one name for each class', {
    where: path,
    expected: `${classes.join(' or ') || 'an output of classes, [N, classes]'}${classes.length > 0 ? ' lines' : ''}`,
    received: plural(labels.length, 'line'),
  })
}
