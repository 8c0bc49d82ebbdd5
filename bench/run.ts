/**
 * `npm run bench`: the seed's network against Keras (TensorFlow at its best steps_per_execution, JAX) and TensorFlow.js
 * (wasm), all measured in this run, in turns. Prints ratios: below the bound is good.
 *
 * Competitors are installed here and nowhere else: a Python environment `.venv-bench`, `bench/node_modules`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BENCH = join(ROOT, 'bench')
const PYTHON = join(ROOT, '.venv-bench', 'bin', 'python')
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)

interface Result {
  readonly ms?: number
  readonly mib?: number
  readonly wall: number
  readonly [key: string]: unknown
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}, cwd = BENCH): Result {
  const start = performance.now()
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  const wall = performance.now() - start
  const line = result.stdout?.trim().split('\n').at(-1) ?? ''
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${result.stderr?.slice(-2000)}`)
  return { ...(JSON.parse(line) as object), wall }
}

function install(): void {
  if (!existsSync(PYTHON)) {
    console.error('installing the competitors: Keras with TensorFlow and JAX, TensorFlow.js (about 2.5 GB)')
    const steps: [string, string[]][] = [
      [process.env.PYTHON ?? 'python3', ['-m', 'venv', join(ROOT, '.venv-bench')]],
      [
        PYTHON,
        ['-m', 'pip', 'install', '-q', 'tensorflow-cpu==2.21.0', 'keras==3.15.1', 'jax==0.10.2', 'jaxlib==0.10.2'],
      ],
    ]
    for (const [command, args] of steps) {
      if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0)
        throw new Error(`${command} ${args.join(' ')} failed`)
    }
  }
  if (!existsSync(join(BENCH, 'node_modules'))) {
    const done = spawnSync('npm', ['install', '--no-package-lock', '--ignore-scripts'], {
      cwd: BENCH,
      stdio: 'inherit',
    })
    if (done.status !== 0) throw new Error('npm install in bench/ failed')
  }
}

const ours = (...args: string[]): Result => run(process.execPath, ['ours.mjs', ...args])
const keras = (backend: string, ...args: string[]): Result =>
  run(PYTHON, ['keras_bench.py', ...args], { KERAS_BACKEND: backend })
const tfjs = (): Result => run(process.execPath, ['tfjs.mjs'])

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

/** Each contender once per round, in turns, so that a slow spell of the machine hits all. */
function rounds(contenders: Readonly<Record<string, () => number>>): Record<string, number> {
  const times: Record<string, number[]> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, measure] of Object.entries(contenders)) {
      times[name] ??= []
      times[name].push(measure())
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))
}

const rows: string[][] = [['what', 'Rekindle', 'against', 'theirs', 'ratio', 'bound', '']]
let missed = 0

function compare(what: string, mine: number, against: string, theirs: number, bound: number, unit: string): void {
  const ratio = mine / theirs
  if (ratio > bound) missed++
  const show = (value: number): string => `${value < 10 ? value.toPrecision(3) : value.toFixed(0)} ${unit}`
  rows.push([what, show(mine), against, show(theirs), ratio.toFixed(3), `<= ${bound}`, ratio > bound ? 'MISSED' : 'ok'])
}

install()
if (spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' }).status !== 0) process.exit(1)

const step = (result: Result): number => result.ms as number
const spe = ['1', '10', '50', '200']
const fit = rounds({
  ours: () => step(ours('fit')),
  jax: () => step(keras('jax', 'fit')),
  tensorflow: () => Math.min(...spe.map((steps) => step(keras('tensorflow', 'fit', steps)))),
  tfjs: () => step(tfjs()),
})
compare('fit, ms per step', fit.ours as number, 'Keras JAX', fit.jax as number, 0.9, 'ms')
compare(
  'fit, ms per step',
  fit.ours as number,
  `Keras TensorFlow, best of steps_per_execution ${spe.join(', ')}`,
  fit.tensorflow as number,
  0.25,
  'ms',
)
compare('fit, ms per step', fit.ours as number, 'TensorFlow.js wasm', fit.tfjs as number, 0.1, 'ms')

const predict = rounds({ ours: () => step(ours('predict')), tensorflow: () => step(keras('tensorflow', 'predict')) })
compare(
  'predict, one batch of 32',
  predict.ours as number,
  'TensorFlow predict_on_batch',
  predict.tensorflow as number,
  0.15,
  'ms',
)

const folder = mkdtempSync(join(tmpdir(), 'rekindle-bench-'))
const file = join(folder, 'my_model.h5')
ours('save', file)
const memory = { ours: 0, keras: 0 }
const cold = rounds({
  ours: () => {
    const result = ours('cold', file)
    memory.ours = result.mib as number
    return result.wall
  },
  keras: () => {
    const result = keras('tensorflow', 'cold', file)
    memory.keras = result.mib as number
    return result.wall
  },
})
rmSync(folder, { recursive: true })
compare('cold process: load .h5, predict once', cold.ours as number, 'Python Keras', cold.keras as number, 0.1, 'ms')
compare('its peak memory', memory.ours, 'Python Keras', memory.keras, 0.3, 'MiB')

const depth = ours('layers')
compare('training step, 100 layers', depth.step100 as number, '10 layers', depth.step10 as number, 11, 'ms')
compare('build + first step, 100 layers', depth.build100 as number, '10 layers', depth.build10 as number, 11, 'ms')

const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
for (const row of rows)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
console.log(missed === 0 ? '\nall within bounds' : `\n${missed} bounds missed`)
