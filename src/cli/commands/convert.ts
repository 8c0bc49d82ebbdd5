import { checkWritable } from '#platform'
import { choice, defineCommand, flag, text } from '../command.ts'

export const convert = defineCommand({
  name: 'convert',
  description:
    "Writes a model in another format; the extension of OUT picks it. Says exactly what OUT's format cannot carry. OUT appears whole or not at all.",
  positionals: [
    { name: 'IN', description: 'The model' },
    { name: 'OUT', description: 'Where it goes: .keras, .h5, .weights.h5 or .npz' },
  ],
  options: {
    weights: text('W', 'Take the weights from this file'),
    architecture: text('A', 'Take the architecture from this file, and the weights from IN'),
    to: text('FORMAT', 'The format, where the extension leaves it open'),
    era: choice('ERA', 'Which Keras an .h5 is for: common (opens in all), keras2, keras3', [
      'common',
      'keras2',
      'keras3',
    ]),
    noOptimizer: flag('Leave out the state of the optimizer'),
    json: flag('What was written and what was lost, as JSON'),
  },
  examples: ['rekindle convert my_model.h5 my_model.keras', 'rekindle convert model.keras old.h5 --era keras2'],
  async run({ files: [input = '', output = ''], options, terminal }) {
    const { codecForWriting, loadModel, open, writeModel } = await import('../../index.ts')
    codecForWriting(output, options.to)
    await checkWritable(output)
    const warnings: { code: string; message: string; where?: string }[] = []
    const onWarning = (warning: (typeof warnings)[number]): void => {
      warnings.push(warning)
    }
    const writing = {
      onWarning,
      includeOptimizer: !options.noOptimizer,
      ...(options.era && { era: options.era }),
      ...(options.to && { format: options.to }),
    }
    if (options.weights !== undefined || options.architecture !== undefined) {
      const weights = options.weights ?? input
      const model = await loadModel(options.architecture ?? input, { weights, onWarning })
      await model.save(output, writing)
      await model.dispose()
    } else {
      const doc = await open(input)
      try {
        warnings.push(...doc.warnings)
        await writeModel(doc, output, writing)
      } finally {
        await doc.close()
      }
    }
    if (options.json) {
      terminal.json({ output, warnings })
      return
    }
    terminal.note(`saved ${terminal.noteStyle.bold(output)}${warnings.length === 0 ? ', nothing was lost' : ''}`)
    for (const { message, where } of warnings) terminal.warn(where === undefined ? message : `${where}: ${message}`)
  },
})
