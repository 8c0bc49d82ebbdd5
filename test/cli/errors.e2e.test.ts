import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { tensor } from '../../src/index.ts'
import { BIN, BUILD_TIMEOUT, fixture, rekindle, save, temporaryFolder, toTensor } from './run.ts'

const cwd = temporaryFolder()
const { path: model, facts } = fixture('k3-adam.keras')

beforeAll(async () => {
  await rekindle(['--version'], { cwd })
  const x = toTensor(facts.inputs[0] as never)
  const y = toTensor((facts.targets ?? [])[0] as never)
  await save(cwd, 'x.npy', { x })
  await save(cwd, 'y.npy', { y })
  await save(cwd, 'wide.npy', { x: tensor([[1, 2, 3, 4, 5]]) })
  await save(cwd, 'weights.npz', { kernel: tensor([[1, 2]]) })
  await save(cwd, 'text.npy', { x: tensor([['a', 'b', 'c', 'd']]) })
  await save(cwd, 'labels.npy', { y: tensor(Array.from({ length: 12 }, (_, i) => (i === 7 ? 3 : 0))) })
  await save(cwd, 'short.npy', { y: y.rows(0, 5) })
  await save(cwd, 'empty-x.npy', { x: x.rows(0, 0) })
  await save(cwd, 'empty-y.npy', { y: y.rows(0, 0) })
  await save(cwd, 'nan.npy', { x: tensor(Array.from({ length: 12 }, () => [1, 2, Number.NaN, 4])) })
  const whole = readFileSync(model)
  writeFileSync(join(cwd, 'cut.keras'), whole.subarray(0, whole.length / 2))
  const h5 = readFileSync(fixture('k3-sgd-momentum.h5').path)
  writeFileSync(join(cwd, 'cut.h5'), h5.subarray(0, h5.length / 2))
  writeFileSync(join(cwd, 'page.h5'), '<!doctype html><title>Sign in</title>')
  writeFileSync(join(cwd, 'labels.txt'), 'one\ntwo\n')
  mkdirSync(join(cwd, 'locked'))
  writeFileSync(join(cwd, 'old.keras'), 'the old file')
}, BUILD_TIMEOUT)

const train = (x: string, y: string, ...more: string[]) => [
  'train',
  model,
  '--x',
  x,
  '--y',
  y,
  '-o',
  'old.keras',
  ...more,
]

/** What a user may get wrong; each is one line, exit code 2, nothing written. */
const CASES: readonly [what: string, args: readonly string[], message: RegExp][] = [
  ['a wrong shape', train('wide.npy', 'y.npy'), /^rekindle: x: .*expected \[N, 4\], received \[1, 5\]/],
  ['a wrong dtype', train('text.npy', 'y.npy'), /^rekindle: x: .*expected float32, received string/],
  [
    'a label out of range',
    train('x.npy', 'labels.npy'),
    /^rekindle: y: .*expected whole numbers from 0 to 2, received 3 in row 7/,
  ],
  ['rows that differ', train('x.npy', 'short.npy'), /^rekindle: y: .*expected 12 rows, as in x, received 5/],
  ['empty data', train('empty-x.npy', 'empty-y.npy'), /^rekindle: x: the data is empty; expected at least one row/],
  ['a loss that is no number', train('nan.npy', 'y.npy'), /^rekindle: .*the loss became NaN/],
  ['an unknown loss', train('x.npy', 'y.npy', '--loss', 'mean_squared_eror'), /^rekindle: .*mean_squared_eror/],
  ['an unknown optimizer', train('x.npy', 'y.npy', '--optimizer', 'adamm'), /^rekindle: .*adamm/],
  ['data that is missing', train('none.npy', 'y.npy'), /^rekindle: none\.npy: no such file/],
  ['no data', ['train', model, '-o', 'old.keras'], /^rekindle: no data; expected --x X --y Y, or --data D\.npz/],
  [
    'weights in the place of a model',
    ['predict', 'weights.npz', '--input', 'x.npy'],
    /^rekindle: weights\.npz: the file holds no architecture; expected a whole model, received NumPy archive, weights only \(/,
  ],
  [
    'a metric that the targets do not fit',
    train('x.npy', 'y.npy', '--metrics', 'precision'),
    /^rekindle: the targets do not fit the metric precision; expected targets for predictions \[N, 3\], received \[12\]$/,
  ],
  [
    'an input that the model does not have',
    ['predict', model, '--input', 'left=x.npy'],
    /^rekindle: --input: the model has none of this name; expected \w+=FILE, received left=x\.npy/,
  ],
  [
    'an input of another kind',
    ['predict', model, '--input', 'x.gif'],
    /^rekindle: --input: neither arrays nor a picture; expected .*\.npy.*\.png.*, received x\.gif/,
  ],
  [
    'labels that are missing',
    ['predict', model, '--input', 'x.npy', '--labels', 'none.txt'],
    /^rekindle: none\.txt: no such file/,
  ],
  [
    'too few labels',
    ['predict', model, '--input', 'x.npy', '--labels', 'labels.txt'],
    /^rekindle: labels\.txt: not one name for each class; expected 3 lines, received 2 lines/,
  ],
  [
    'a loss that is no JSON',
    train('x.npy', 'y.npy', '--loss', '{"class_name"'),
    /^rekindle: --loss: not JSON; expected a name or .*, received \{"class_name"/,
  ],
  [
    'two validations',
    train('x.npy', 'y.npy', '--validation-split', '0.1', '--validation-data', 'd.npz'),
    /^rekindle: --validation-data goes without --validation-split/,
  ],
  [
    'no output',
    ['train', model, '--x', 'x.npy', '--y', 'y.npy'],
    /^rekindle: train needs a place for the result; expected --output OUT/,
  ],
  [
    'an output without a format',
    ['train', model, '--x', 'x.npy', '--y', 'y.npy', '-o', 'out.txt'],
    /^rekindle: out\.txt: .*expected .*\.keras/,
  ],
  [
    'an output in a folder that is not there',
    ['train', model, '--x', 'x.npy', '--y', 'y.npy', '-o', 'none/out.h5'],
    /^rekindle: none\/out\.h5: cannot be written/,
  ],
  [
    'a folder as output',
    ['convert', model, 'locked', '--to', 'keras'],
    /^rekindle: locked: cannot be written: it is a directory/,
  ],
  ['a truncated .keras', ['show', 'cut.keras'], /^rekindle: .*cut\.keras.*cut off/],
  ['a truncated .h5', ['predict', 'cut.h5', '--input', 'x.npy'], /^rekindle: .*cut\.h5.*truncated/],
  ['a foreign file', ['show', 'page.h5'], /^rekindle: .*page\.h5: this is an HTML page/],
  ['an array as model', ['show', 'x.npy'], /^rekindle: .*x\.npy: this is a NumPy array/],
  ['no file', ['show', 'none.keras'], /^rekindle: none\.keras: no such file/],
  ['a folder', ['show', 'locked'], /^rekindle: locked: is a directory/],
  ['too few inputs', ['predict', model], /^rekindle: predict needs something to run on; expected --input X/],
  [
    'too many inputs',
    ['predict', model, '--input', 'x.npy', '--input', 'x.npy'],
    /^rekindle: --input: not one file for each; expected 1: /,
  ],
  ['an unknown command', ['trian'], /^rekindle: unknown command 'trian' \(did you mean train\?\)/],
  [
    'an unknown option',
    ['train', model, '--epoch', '3'],
    /^rekindle: train has no option --epoch \(did you mean --epochs\?\)/,
  ],
]

describe('bad input', () => {
  it.each(CASES)('is one clear line: %s', async (_, args, message) => {
    const before = readdirSync(cwd)
    const { code, stdout, stderr } = await rekindle(args, { cwd })
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(message)
    expect([code, stderr.split('rekindle:').length - 1, stderr.includes('    at ')]).toEqual([2, 1, false])
    expect(stdout.includes('undefined')).toBe(false)
    expect(readdirSync(cwd)).toEqual(before)
    expect(readFileSync(join(cwd, 'old.keras'), 'utf8')).toBe('the old file')
  })

  it.runIf(existsSync('/dev/full'))('says when the facts cannot be printed', () => {
    const full = openSync('/dev/full', 'w')
    const stdio = ['ignore', full, 'pipe'] as const
    const { status, stderr } = spawnSync(process.execPath, [BIN, 'show', model], { cwd, stdio: [...stdio] })
    closeSync(full)
    expect([status, stderr.toString()]).toEqual([
      2,
      expect.stringMatching(/^rekindle: stdout: cannot be written .*\n$/),
    ])
  })

  it('shows the stack with --debug', async () => {
    const { code, stderr } = await rekindle(['show', 'none.keras', '--debug'], { cwd })
    expect([code, stderr.includes('\n    at ')]).toEqual([2, true])
  })
})

describe('help', () => {
  it.each(['demo', 'show', 'predict', 'evaluate', 'train', 'convert'])('is there for %s', async (name) => {
    const { code, stdout } = await rekindle([name, '--help'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^rekindle ${name} `))
    expect(stdout).toContain('--quiet')
  })

  it('lists the commands', async () => {
    const { stdout } = await rekindle(['--help'], { cwd })
    for (const name of ['demo', 'show', 'predict', 'evaluate', 'train', 'convert'])
      expect(stdout).toContain(`  ${name} `)
  })
})
