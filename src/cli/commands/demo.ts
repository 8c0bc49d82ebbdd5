import { checkWritable } from '#platform'
import { defineCommand, number, text } from '../command.ts'
import { announceEngine } from '../model.ts'
import { count, measure, percent } from '../terminal/format.ts'
import { pad } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { TrainingTable } from '../train/progress.ts'

const EPOCHS = 5
const BATCH_SIZE = 32
/** The same run for everybody. */
const SEED = 0
/** As many digits are drawn as fit side by side, and no more. */
const DRAWN = 5
const GAP = 2

export const demo = defineCommand({
  name: 'demo',
  description: `Trains a small network on 9,000 handwritten digits for ${EPOCHS} epochs, tests it on 1,000 others, saves it, loads it back and predicts again.`,
  positionals: [],
  options: {
    output: text('FILE', 'Where the model is saved (my_model.h5)', { short: 'o' }),
    epochs: number('N', `How many epochs (${EPOCHS})`, 'a whole number from 1', { whole: true, from: 1 }),
  },
  examples: ['rekindle demo', 'rekindle show my_model.h5'],
  async run({ options, terminal }) {
    const { codecForWriting, layers, loadModel, Sequential, setRandomSeed } = await import('../../index.ts')
    const { loadDigits } = await import('../demo/digits.ts')
    const output = options.output ?? 'my_model.h5'
    codecForWriting(output)
    await checkWritable(output)
    const { train, test } = loadDigits()

    setRandomSeed(SEED)
    const model = new Sequential([
      layers.dense({ units: 64, activation: 'relu', inputShape: [784] }),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ])
    model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
    const { bold, dim, green } = terminal.style
    const engine = await announceEngine(model, terminal)
    terminal.print(
      `${bold('784 → 64 → 64 → 10')} on ${count(train.y.size)} handwritten digits, Adam, batch ${BATCH_SIZE}  ${dim(engine)}`,
    )
    terminal.print()
    await model.fit(train.x, train.y, {
      epochs: options.epochs ?? EPOCHS,
      batchSize: BATCH_SIZE,
      verbose: 0,
      callbacks: [new TrainingTable(terminal, terminal.report(false), false)],
    })
    const { accuracy = Number.NaN } = await model.evaluate(test.x, test.y)
    terminal.print(`\n  ${bold(percent(accuracy))} of ${count(test.y.size)} digits that it has never seen`)

    const before = await model.predict(test.x)
    await model.save(output)
    await model.dispose()
    const loaded = await loadModel(output)
    const after = await loaded.predict(test.x)
    await loaded.dispose()
    const difference = largestDifference(before.data as Float32Array, after.data as Float32Array)
    const verdict = difference === 0 ? green('equal') : `max |Δ| ${measure(difference)}`
    terminal.print(`  saved ${bold(output)}, loaded it back, predicted again: ${verdict}\n`)
    await drawPredictions(test.x.data, test.y.data, after.data as Float32Array, terminal)
    terminal.print(`\n${dim('$')} rekindle show ${output}`)
  },
})

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0)
}

/** A few digits side by side, each with what the network takes it for. */
async function drawPredictions(
  pixels: Float32Array,
  labels: Uint8Array,
  predictions: Float32Array,
  terminal: Terminal,
): Promise<void> {
  const { drawDigit, PICTURE_WIDTH } = await import('../demo/draw.ts')
  const { bold, colour, green, red } = terminal.style
  const fitting = Math.floor(terminal.columns / (GAP + PICTURE_WIDTH))
  const drawn = Math.max(1, Math.min(DRAWN, fitting))
  const pictures = Array.from({ length: drawn }, (_, i) => drawDigit(pixels.subarray(i * 784, (i + 1) * 784), colour))
  const captions = pictures.map((_, i) => {
    const row = predictions.subarray(i * 10, (i + 1) * 10)
    const guess = row.indexOf(Math.max(...row))
    const right = guess === labels[i]
    return `${bold(String(guess))} ${(right ? green : red)(percent(row[guess] as number))}${right ? '' : ` is ${labels[i]}`}`
  })
  for (let line = 0; line < (pictures[0]?.length ?? 0); line++) {
    terminal.print(`  ${pictures.map((picture) => picture[line]).join('  ')}`)
  }
  terminal.print(`  ${captions.map((caption) => pad(caption, PICTURE_WIDTH)).join('  ')}`.trimEnd())
}
