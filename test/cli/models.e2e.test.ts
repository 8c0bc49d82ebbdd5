import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadModel, readArrays, type Tensor } from '../../src/index.ts'
import { BUILD_TIMEOUT, fixture, largestError, rekindle, save, temporaryFolder, toTensor } from './run.ts'

const cwd = temporaryFolder()
const thousands = (value: number) => value.toLocaleString('en')

beforeAll(async () => {
  const { code, stderr } = await rekindle(['--version'], { cwd })
  expect([code, stderr.replace(/.*building.*\n/, '')]).toEqual([0, ''])
}, BUILD_TIMEOUT)

/** Files of every family, with slots and without. */
const TRAINED = [
  'k3-adam.keras',
  'k3-sgd-momentum.h5',
  'k3-rmsprop-centered.keras',
  'tfk-adagrad.h5',
  'legacy-adam-amsgrad.h5',
  'tfk-adam.keras',
]

describe('predict', () => {
  it.each(['k3-functional.keras', 'tfk-shapes.h5', 'k3-adam.keras'])('gives what Keras gives: %s', async (name) => {
    const { path, facts } = fixture(name)
    const inputs = await Promise.all(
      facts.inputs.map((input, i) => save(cwd, `${name}-${i}.npy`, { x: toTensor(input) })),
    )
    const output = join(cwd, `${name}.npz`)
    const { code, stderr } = await rekindle(
      ['predict', path, ...inputs.flatMap((input) => ['--input', input]), '--output', output],
      { cwd },
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('saved')])
    const arrays = [...(await readArrays(output)).values()] as Tensor[]
    expect(arrays.length).toBe(facts.predictions.length)
    arrays.forEach((array, i) => {
      const expected = facts.predictions[i]
      expect(array.shape).toEqual(expected?.shape)
      expect(largestError(array.data as Float32Array, expected?.values ?? [])).toBeLessThan(2e-5)
    })
  })

  it('prints a table with the names of the classes', async () => {
    const { path, facts } = fixture('k3-adam.keras')
    const input = await save(cwd, 'few.csv', { x: toTensor(facts.inputs[0] as never).rows(0, 2) })
    const labels = join(cwd, 'labels.txt')
    writeFileSync(labels, 'cat\ndog\nowl\n')
    const { code, stdout } = await rekindle(['predict', path, '--input', input, '--labels', labels, '--top', '2'], {
      cwd,
    })
    expect(code).toBe(0)
    const best = facts.predictions[0]?.values.slice(0, 3) ?? []
    expect(stdout).toContain('float32 [2, 3]')
    const name = ['cat', 'dog', 'owl'][best.indexOf(Math.max(...best))]
    expect(stdout).toMatch(new RegExp(`0   ${name} +${(Math.max(...best) * 100).toFixed(2)}%`))
  })
})

describe('train', () => {
  it.each(TRAINED)('goes on as Keras itself would: %s', async (name) => {
    const { path, facts } = fixture(name)
    const { continued, inputs, targets } = facts
    const data = await save(cwd, `${name}.npz`, {
      x: toTensor(inputs[0] as never),
      y: toTensor((targets ?? [])[0] as never),
    })
    const [output, history] = [join(cwd, `trained-${name}`), join(cwd, `${name}.history.json`)]
    const { code, stdout, stderr } = await rekindle(
      [
        'train',
        path,
        '--data',
        data,
        '--epochs',
        String(continued.epochs),
        '--batch-size',
        String(continued.batch_size),
        '--no-shuffle',
        '--history',
        history,
        '-o',
        output,
      ],
      { cwd },
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('saved')])
    expect(stdout).toMatch(
      new RegExp(
        `^${facts.optimizer.class_name} resumed at step \\d+, lr [\\d.]+, batch 4, 3 steps per epoch, seed \\d+`,
      ),
    )
    const values = JSON.parse(readFileSync(history, 'utf8')) as Record<string, number[]>
    for (const [key, expected] of Object.entries(continued.history)) {
      expect(largestError(values[key] ?? [], expected)).toBeLessThan(5e-4)
    }
    const predicted = join(cwd, `trained-${name}.npy`)
    await rekindle(
      ['predict', output, '--input', await save(cwd, 'x.npy', { x: toTensor(inputs[0] as never) }), '-o', predicted],
      { cwd },
    )
    const [tensor] = (await readArrays(predicted)).values() as IterableIterator<Tensor>
    expect(largestError((tensor as Tensor).data as Float32Array, continued.predictions[0]?.values ?? [])).toBeLessThan(
      1e-3,
    )
  })

  it('stopped by ^C saves its position, and goes on to the same result bit for bit', async () => {
    const { path, facts } = fixture('k3-adam.keras')
    const rows = 12 * 2000
    const repeat = (values: readonly number[]) =>
      Array.from({ length: rows * (values.length / 12) }, (_, i) => values[i % values.length] as number)
    const [x, y] = [facts.inputs[0], facts.targets?.[0]].map(
      (stored) => stored as never as { dtype: 'float32'; shape: number[]; values: number[] },
    )
    const data = await save(cwd, 'long.npz', {
      x: toTensor({ dtype: 'float32', shape: [rows, 4], values: repeat(x?.values ?? []) }),
      y: toTensor({ dtype: 'int64', shape: [rows], values: repeat(y?.values ?? []) }),
    })
    const common = ['--data', data, '--batch-size', '4', '--seed', '5']
    const stopped = await rekindle(['train', path, ...common, '--epochs', '3', '-o', 'stopped.keras', '--json'], {
      cwd,
      during: (stderr, kill) => stderr.includes('\n  1 ') && !stderr.includes('finishing') && kill(),
    })
    expect(stopped.code).toBe(0)
    const { run } = JSON.parse(stopped.stdout) as { run: { epoch: number; stepInEpoch: number } }
    expect(run.epoch).toBeGreaterThanOrEqual(1)
    expect(stopped.stderr).toContain('stopped at step')
    const left = String(3 - run.epoch)
    // Seed and batch size are those of the run that was stopped.
    const resumed = await rekindle(
      ['train', 'stopped.keras', '--data', data, '--epochs', left, '-o', 'resumed.keras'],
      { cwd },
    )
    expect(resumed.stdout).toMatch(new RegExp(`batch 4, .*going on after step ${thousands(run.stepInEpoch)} of`))
    const whole = await rekindle(['train', path, ...common, '--epochs', '3', '-o', 'whole.keras'], { cwd })
    expect([resumed.code, whole.code]).toEqual([0, 0])
    const [a, b] = await Promise.all(['resumed.keras', 'whole.keras'].map((file) => loadModel(join(cwd, file))))
    expect(a?.weights.map((weight) => weight.value.toArray())).toEqual(
      b?.weights.map((weight) => weight.value.toArray()),
    )
    expect([a?.optimizer.iterations, a?.runState?.epoch]).toEqual([b?.optimizer.iterations, b?.runState?.epoch])

    const cut = ['train', 'stopped.keras', '--data', data, '--batch-size', '8', '-o', 'cut.keras']
    const other = await rekindle(cut, { cwd })
    expect(other.stderr).toContain('the epoch begins anew, not after step')
    expect(other.stdout).not.toContain('going on')
    const anew = await rekindle([...cut, '--seed', '6', '--json'], { cwd })
    expect((JSON.parse(anew.stdout) as { epoch: unknown }).epoch).toEqual([0])
  }, 60_000)
})

describe('evaluate', () => {
  it('prints loss and metrics, for people and for programs', async () => {
    const { path, facts } = fixture('k3-adam.keras')
    const x = await save(cwd, 'ex.npy', { x: toTensor(facts.inputs[0] as never) })
    const y = await save(cwd, 'ey.json', { y: toTensor((facts.targets ?? [])[0] as never) })
    const people = await rekindle(['evaluate', path, '--x', x, '--y', y], { cwd })
    const programs = await rekindle(['evaluate', path, '--x', x, '--y', y, '--json'], { cwd })
    const values = JSON.parse(programs.stdout) as Record<string, number>
    expect(Object.keys(values).sort()).toEqual(['accuracy', 'loss'])
    expect(people.stdout).toBe(
      `accuracy  ${((values.accuracy ?? 0) * 100).toFixed(2)}%\nloss      ${values.loss?.toFixed(4)}\n`,
    )
  })
})

describe('show', () => {
  it('tells what a file is', async () => {
    const { code, stdout } = await rekindle(['show', fixture('k3-adam.keras').path], { cwd })
    expect(code).toBe(0)
    for (const part of [
      'k3-adam.keras  Keras 3.15',
      'input   float32 [N, 4]',
      'hidden',
      'scores',
      '27 params',
      'Adam lr 0.02',
      'state kept',
      'accuracy',
    ]) {
      expect(stdout).toContain(part)
    }
    expect(stdout).not.toContain('\x1b')
  })

  it('gives JSON', async () => {
    const { stdout } = await rekindle(['show', fixture('tfk-functional.h5').path, '--json'], { cwd })
    const facts = JSON.parse(stdout) as { layers: { name: string }[]; weights: unknown[]; totalParams: number }
    expect(facts.layers.length).toBeGreaterThan(2)
    expect(facts.weights.length).toBeGreaterThan(2)
    expect(facts.totalParams).toBeGreaterThan(0)
  })
})

describe('convert', () => {
  it('carries a model to every form and says what is lost', async () => {
    const { path, facts } = fixture('k3-adam.keras')
    const x = await save(cwd, 'cx.npy', { x: toTensor(facts.inputs[0] as never) })
    for (const name of ['c.h5', 'c.keras']) {
      const { code, stderr } = await rekindle(['convert', path, name], { cwd })
      expect([code, stderr]).toEqual([0, `saved ${name}, nothing was lost\n`])
    }
    await rekindle(['convert', path, 'c.weights.h5'], { cwd })
    const { stderr } = await rekindle(['convert', path, 'c.npz'], { cwd })
    expect(stderr).toMatch(/^saved c\.npz\n {2}! .*no architecture, no training state\n$/)
    const back = await rekindle(['convert', 'c.weights.h5', 'back.keras', '--architecture', path], { cwd })
    expect(back.code).toBe(0)
    for (const name of ['c.h5', 'c.keras', 'back.keras']) {
      await rekindle(['predict', name, '--input', x, '-o', 'cy.npy'], { cwd })
      const [tensor] = (await readArrays(join(cwd, 'cy.npy'))).values() as IterableIterator<Tensor>
      expect(largestError((tensor as Tensor).data as Float32Array, facts.predictions[0]?.values ?? [])).toBeLessThan(
        2e-5,
      )
    }
  })
})
