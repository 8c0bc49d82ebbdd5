import { checkWritable } from '#platform'
import { RekindleError } from '../../errors.ts'
import type { Callback, Model, RunState, TrainingParams } from '../../index.ts'
import { choice, defineCommand, flag, list, number, text } from '../command.ts'
import { archiveArrays, trainingArrays } from '../data.ts'
import { loadWithNotice, targetPorts } from '../model.ts'
import { count, plural, setting } from '../terminal/format.ts'
import type { Terminal, Voice } from '../terminal/terminal.ts'
import { planHistory } from '../train/history.ts'
import { stopOnInterrupt } from '../train/interrupt.ts'
import { TrainingTable } from '../train/progress.ts'

const DEFAULT_BATCH_SIZE = 32

export const train = defineCommand({
  name: 'train',
  description:
    'Trains a saved model for N more epochs: with the optimizer it was saved with, from the step where that stopped, with its moments and its learning rate. The result is written only at the end, whole or not at all.',
  positionals: [{ name: 'FILE', description: 'The model' }],
  options: {
    x: list('X', 'Inputs: .npy, .npz or .csv, one for each input in order, or NAME=X'),
    y: list('Y', 'Targets, likewise for each output'),
    data: text('D.npz', 'Instead of --x and --y: x and y, or x_INPUT and y_OUTPUT, and sample_weight'),
    epochs: number('N', 'How many epochs more (1)', 'a whole number from 1', { whole: true, from: 1 }),
    output: text('OUT', 'Where the trained model goes; the extension picks the format', { short: 'o' }),
    batchSize: number('B', "Rows per step (that of the file's own run, else 32)", 'a whole number from 1', {
      whole: true,
      from: 1,
    }),
    validationSplit: number(
      'S',
      'Keep this share of the rows, from the end, for validation',
      'a number between 0 and 1',
      {
        from: Number.MIN_VALUE,
        below: 1,
      },
    ),
    validationData: text('V.npz', 'Validate on these arrays after each epoch (named as in --data)'),
    noShuffle: flag('Take the rows in their order'),
    seed: number('S', "Seed of shuffling and dropout (that of the file's own run, else a new one)", 'a whole number', {
      whole: true,
      from: 0,
    }),
    optimizer: text('NAME', 'Another optimizer, fresh: a name or {"class_name": …, "config": …}'),
    learningRate: number('LR', 'Another learning rate; the state of the optimizer is kept', 'a number of at least 0', {
      from: 0,
    }),
    loss: text('NAME', 'Another loss: a name or {"class_name": …, "config": …}'),
    metrics: list('NAME', 'Other metrics'),
    weights: text('W', 'Take the weights from this file'),
    history: text('H', "Write the values of each epoch: .json (Keras's History.history) or .csv"),
    era: choice('ERA', 'Which Keras an .h5 is for: common (opens in all), keras2, keras3', [
      'common',
      'keras2',
      'keras3',
    ]),
    json: flag('History and result as JSON; the table goes to stderr'),
  },
  notes: [
    '^C finishes the step at hand and saves with the position in the epoch: the next train of that file goes on there. ^C twice stops at once and saves nothing.',
  ],
  examples: [
    'rekindle train my_model.h5 --x x.npy --y y.npy --epochs 3 -o better.h5',
    'rekindle train model.keras --data mnist.npz --epochs 3 --validation-split 0.1 --history h.json -o better.keras',
  ],
  async run({ files: [file = ''], options, terminal }) {
    const { output } = options
    if (output === undefined) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'train needs a place for the result', {
        expected: '--output OUT (-o)',
      })
    }
    if (options.validationSplit !== undefined && options.validationData !== undefined) {
      throw new RekindleError('E_INVALID_ARGUMENT', '--validation-data goes without --validation-split')
    }
    const { codecForWriting } = await import('../../index.ts')
    codecForWriting(output)
    await checkWritable(output)
    const saveHistory = options.history === undefined ? undefined : await planHistory(options.history)

    const model = await loadWithNotice(file, options.weights, terminal)
    const { recompile } = await import('../train/settings.ts')
    recompile(model, options, () => terminal.warn('other losses or metrics start the optimizer anew'))
    const ports = { inputs: model.inputs, targets: targetPorts(model) }
    const { x, y, sampleWeight } = await trainingArrays(options, ports)
    const validation =
      options.validationData === undefined ? undefined : await archiveArrays(options.validationData, ports)

    const run = continuedRun(model, options.seed)
    const initialEpoch = run?.epoch ?? 0
    const batchSize = options.batchSize ?? batchSizeOf(run) ?? DEFAULT_BATCH_SIZE
    const voice = terminal.report(options.json)
    const validates = validation !== undefined || options.validationSplit !== undefined
    const table = new TrainingTable(terminal, voice, validates)
    const opening = await openingLine(model, run?.stepInEpoch ?? 0, terminal, voice)
    const interrupt = stopOnInterrupt(model, terminal)
    const history = await model.fit(x, y, {
      epochs: initialEpoch + (options.epochs ?? 1),
      initialEpoch,
      batchSize,
      shuffle: !options.noShuffle,
      verbose: 0,
      callbacks: [opening, table],
      ...(options.seed !== undefined && { seed: options.seed }),
      ...(options.validationSplit !== undefined && { validationSplit: options.validationSplit }),
      ...(validation && {
        validationData: validation.sampleWeight
          ? ([validation.x, validation.y, validation.sampleWeight] as const)
          : ([validation.x, validation.y] as const),
      }),
      ...(sampleWeight && { sampleWeight }),
    })
    terminal.live.clear()
    await model.save(output, {
      ...(options.era && { era: options.era }),
      onWarning: ({ message }) => terminal.warn(message),
    })
    await saveHistory?.(history)
    interrupt.release()
    report(model, output, interrupt.happened, terminal)
    if (options.json) terminal.json({ history: history.history, epoch: history.epoch, run: model.runState, output })
    await model.dispose()
  },
})

/** The run of the file, when the training goes on with it: another seed begins one of its own. */
function continuedRun({ runState }: Model, seed: number | undefined): RunState | null {
  return seed === undefined || seed === runState?.seed ? runState : null
}

function batchSizeOf(run: RunState | null): number | undefined {
  const size = run?.batchSize
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : undefined
}

/**
 * The first line, printed when the training knows its steps and seed: what is resumed, and how.
 *
 * @param stoppedAfter steps of the file's last epoch that were done, when it was stopped inside.
 */
async function openingLine(model: Model, stoppedAfter: number, terminal: Terminal, voice: Voice): Promise<Callback> {
  const { bold, dim } = voice.style
  const { className, iterations, learningRate } = model.optimizer
  const engine = await model.engine()
  const position = iterations > 0 ? `resumed at step ${count(iterations)}` : 'starts at step 0'
  return {
    setParams({ steps, seed, batchSize }: TrainingParams) {
      const inside = model.runState?.stepInEpoch ?? 0
      if (inside < stoppedAfter) {
        terminal.warn(
          `the file was stopped in an epoch of other rows or another batch size: the epoch begins anew, not after step ${count(stoppedAfter)}`,
        )
      }
      const facts = [
        `${bold(className)} ${position}`,
        `lr ${setting(learningRate)}`,
        `batch ${batchSize}`,
        ...(steps === null ? [] : [`${plural(steps, 'step')} per epoch`]),
        ...(inside === 0 ? [] : [`going on after step ${count(inside)} of the epoch`]),
        `seed ${seed}`,
      ]
      voice.print(`${facts.join(', ')}  ${dim(engine.description)}`)
      if (terminal.live.enabled)
        terminal.note(terminal.noteStyle.dim('^C once: finish the step and save. Twice: stop now.'))
      voice.print()
    },
  }
}

function report(model: Model, output: string, interrupted: boolean, terminal: Terminal): void {
  const { step = 0, stepInEpoch = 0, epoch = 0 } = model.runState ?? {}
  const where = stepInEpoch > 0 ? `, in epoch ${epoch + 1} after step ${count(stepInEpoch)}` : ''
  const state = interrupted ? `stopped at step ${count(step)}${where}; ` : ''
  terminal.note(
    `\n${state}saved ${terminal.noteStyle.bold(output)}, optimizer at step ${count(model.optimizer.iterations)}`,
  )
}
