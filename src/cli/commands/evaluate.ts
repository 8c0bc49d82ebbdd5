import { defineCommand, flag, list, number, text } from '../command.ts'
import { trainingArrays } from '../data.ts'
import { loadWithNotice, targetPorts } from '../model.ts'
import { formatLog } from '../train/progress.ts'

export const evaluate = defineCommand({
  name: 'evaluate',
  description: 'Prints the loss and the metrics that the model was compiled with, over all rows of the data.',
  positionals: [{ name: 'FILE', description: 'The model' }],
  options: {
    x: list('X', 'Inputs: .npy, .npz or .csv, one for each input in order, or NAME=X'),
    y: list('Y', 'Targets, likewise for each output'),
    data: text('D.npz', 'Instead of --x and --y: x and y, or x_INPUT and y_OUTPUT, and sample_weight'),
    weights: text('W', 'Take the weights from this file'),
    loss: text('NAME', 'Another loss than the one in the file, such as mean_squared_error'),
    metrics: list('NAME', 'Other metrics than those in the file'),
    batchSize: number('B', 'Rows per step (32)', 'a whole number from 1', { whole: true, from: 1 }),
    json: flag('The values as JSON'),
  },
  examples: ['rekindle evaluate my_model.h5 --x x_test.npy --y y_test.npy'],
  async run({ files: [file = ''], options, terminal }) {
    const model = await loadWithNotice(file, options.weights, terminal)
    const { recompile } = await import('../train/settings.ts')
    recompile(model, options)
    const { x, y, sampleWeight } = await trainingArrays(options, { inputs: model.inputs, targets: targetPorts(model) })
    const results = await model.evaluate(x, y, {
      batchSize: options.batchSize ?? 32,
      ...(sampleWeight && { sampleWeight }),
    })
    await model.dispose()
    if (options.json) {
      terminal.json(results)
      return
    }
    const width = Math.max(...Object.keys(results).map((name) => name.length))
    for (const [name, value] of Object.entries(results)) {
      terminal.print(`${terminal.style.dim(name.padEnd(width))}  ${terminal.style.bold(formatLog(name, value))}`)
    }
  },
})
