import { describe, expect, it, vi } from 'vitest'
import { assignPaths } from '../../src/cli/data.ts'
import { LiveLine } from '../../src/cli/terminal/live-line.ts'
import { makeStyles } from '../../src/cli/terminal/style.ts'
import type { Terminal } from '../../src/cli/terminal/terminal.ts'
import { historyFormat } from '../../src/cli/train/history.ts'
import { stopOnInterrupt } from '../../src/cli/train/interrupt.ts'
import { formatLog, TrainingTable } from '../../src/cli/train/progress.ts'
import { History, type Model } from '../../src/index.ts'

const style = makeStyles(false)

function makeTable({ isTTY = false, columns = 120, validates = false, colour = false } = {}) {
  const lines: string[] = []
  const live: string[] = []
  let time = 0
  const stream = { isTTY, columns, write: (text: string) => live.push(text) }
  const line = new LiveLine(stream, { now: () => (time += 1000) })
  const terminal = { live: line, noteStyle: style } as Terminal
  const voice = { style: makeStyles(colour), print: (text = '') => void lines.push(text) }
  const table = new TrainingTable(terminal, voice, validates)
  table.setParams({ epochs: 3, initialEpoch: 0, steps: 200, batchSize: 32, samples: 6400, seed: 0, verbose: 0 })
  return { table, lines, live }
}

describe('TrainingTable', () => {
  it('keeps one row per epoch and marks the best validation loss', () => {
    const { table, lines } = makeTable()
    const losses = [0.3, 0.2, 0.25, 0.1]
    losses.forEach((loss, epoch) => {
      table.onEpochBegin(epoch + 12)
      table.onTestBegin()
      table.onEpochEnd(epoch + 12, { accuracy: 0.9402, loss: 0.2114, val_accuracy: 0.9471, val_loss: loss })
    })
    expect(lines[0]).toBe('  epoch       loss      acc   val loss   val acc   ms/step    time')
    expect(lines[1]).toMatch(/^ {2}13 {8}0\.2114 {3}94\.02% {5}0\.3000 {4}94\.71% +0\.00 +0\.0 s$/)
    expect(lines.map((line) => line.endsWith('best'))).toEqual([false, false, true, false, true])
  })

  it('costs a step nothing where there is no terminal', () => {
    expect(makeTable().table.onTrainBatchEnd).toBeUndefined()
  })

  it('draws a live row that fits the terminal', () => {
    for (const [columns, expected] of [
      [120, / ━+╌+ {2}100\/200 {2}[\d.]+ ms {2}[\d.]+ s left {2}▁$/],
      [45, / {2}0\.2114 {3}94\.02%$/],
    ] as const) {
      const { table, live } = makeTable({ isTTY: true, columns })
      table.onEpochBegin(0)
      table.onTrainBatchEnd?.(99, { loss: 0.2114, accuracy: 0.9402 })
      expect(live.join('')).toMatch(expected)
      expect((live.join('').split('\x1b[2K')[1] as string).length).toBeLessThan(columns)
    }
  })

  it('shows the columns of a validation from the start', () => {
    const { table, lines } = makeTable({ isTTY: true, validates: true })
    table.onEpochBegin(0)
    table.onTrainBatchEnd?.(0, { loss: 1 })
    expect(lines).toEqual(['  epoch       loss   val loss   ms/step    time'])
  })
})

describe('stopOnInterrupt', () => {
  it('stops after the step at the first ^C and at once at the second', () => {
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never)
    const notes: string[] = []
    const model = { stopTraining: false } as Model
    const terminal = { live: new LiveLine({ write: () => {} }), note: (line = '') => void notes.push(line) } as Terminal
    const interrupt = stopOnInterrupt(model, terminal)
    expect([model.stopTraining, interrupt.happened]).toEqual([false, false])
    process.emit('SIGINT')
    expect([model.stopTraining, interrupt.happened, notes.length, exit.mock.calls]).toEqual([true, true, 1, []])
    process.emit('SIGINT')
    expect(exit.mock.calls).toEqual([[130]])
    interrupt.release()
    exit.mockRestore()
    expect(process.listeners('SIGINT').some((listener) => listener.name === 'stop')).toBe(false)
  })
})

describe('values', () => {
  it('are shares for accuracies and numbers otherwise', () => {
    expect([
      formatLog('val_sparse_categorical_accuracy', 0.5),
      formatLog('auc', 0.5),
      formatLog('loss', undefined),
    ]).toEqual(['50.00%', '0.5000', ''])
  })
})

describe('historyFormat', () => {
  const history = new History()
  history.onEpochEnd(2, { loss: 0.5, accuracy: 0.75 })
  history.onEpochEnd(3, { loss: 0.25, accuracy: 1 })

  it("writes Keras's History.history or CSVLogger's table", () => {
    expect(JSON.parse(historyFormat('h.json')(history))).toEqual({ loss: [0.5, 0.25], accuracy: [0.75, 1] })
    expect(historyFormat('H.CSV')(history)).toBe('epoch,loss,accuracy\n2,0.5,0.75\n3,0.25,1\n')
    expect(() => historyFormat('h.txt')).toThrow('--history: unknown extension; expected .json or .csv, received h.txt')
  })
})

describe('assignPaths', () => {
  const ports = [
    { name: 'a', shape: [null] },
    { name: 'b', shape: [null] },
  ]
  const paths = (...given: string[]) => assignPaths(given, ports, '--x').map(({ port, path }) => `${port.name}:${path}`)

  it('goes by order and by name', () => {
    expect(paths('1.npy', '2.npy')).toEqual(['a:1.npy', 'b:2.npy'])
    expect(paths('b=2.npy', '1.npy')).toEqual(['a:1.npy', 'b:2.npy'])
    // A `=` in the path itself.
    expect(paths('data/lr=1.npy', '2.npy')).toEqual(['a:data/lr=1.npy', 'b:2.npy'])
  })

  it('tells a name that the model does not have', () => {
    expect(() => paths('c=1.npy', '2.npy')).toThrow(
      '--x: the model has none of this name; expected a=FILE, b=FILE, received c=1.npy',
    )
  })

  it.each([[[]], [['1.npy']], [['1', '2', '3']], [['a=1', 'a=2']]])('refuses %j', (given) => {
    expect(() => paths(...given)).toThrow(/^--x: not one file for each; expected 2: a, b, received /)
  })
})
