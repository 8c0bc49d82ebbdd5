/**
 * One training step of a CNN (conv 32 3×3 relu, max pool, conv 64 3×3 relu, max pool, flatten, dense 10; 28×28, batch
 * 32, Adam) here and in Keras, measured in turns in this run. Run: npx tsx bench/layers.ts
 *
 * `PYTHON` is an interpreter with Keras, TensorFlow and JAX: by default the one that bench/run.ts installs.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { layers, Sequential, tensor } from '../src/index.ts'

const BATCH = 32
const STEPS = 100
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const PYTHON = process.env.PYTHON ?? fileURLToPath(new URL('../.venv-bench/bin/python', import.meta.url))

const model = new Sequential([
  layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] }),
  layers.maxPooling2d(),
  layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
  layers.maxPooling2d(),
  layers.flatten(),
  layers.dense({ units: 10, activation: 'softmax' }),
])
model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy' })
const rows = BATCH * STEPS
const x = tensor(Float32Array.from({ length: rows * 784 }, Math.random), { shape: [rows, 28, 28, 1] })
const y = Array.from({ length: rows }, (_, i) => i % 10)

/** Milliseconds per step in the best of a few epochs: what else the machine does only adds to it. */
async function ours(): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let epoch = 0; epoch < 5; epoch++) {
    const start = performance.now()
    await model.fit(x, y, { batchSize: BATCH, epochs: 1, verbose: 0 })
    if (epoch > 0) best = Math.min(best, (performance.now() - start) / STEPS)
  }
  return best
}

function keras(backend: string, stepsPerExecution = 1): number {
  const script = fileURLToPath(new URL('keras_layers.py', import.meta.url))
  const env = { ...process.env, KERAS_BACKEND: backend }
  const result = spawnSync(PYTHON, ['-P', script, String(stepsPerExecution)], { env, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`${backend}: ${result.stderr?.slice(-1000)}`)
  return (JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as { ms: number }).ms
}

const contenders: Readonly<Record<string, () => number | Promise<number>>> = {
  Rekindle: ours,
  'Keras TensorFlow': () => keras('tensorflow'),
  'Keras TensorFlow, 50 steps per execution': () => keras('tensorflow', 50),
  'Keras JAX': () => keras('jax'),
}
const best: Record<string, number> = {}
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, measure] of Object.entries(contenders)) {
    best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, await measure())
  }
}
const mine = best.Rekindle as number
for (const [name, time] of Object.entries(best)) {
  console.log(`${name.padEnd(44)} ${time.toFixed(2).padStart(6)} ms per step   ratio ${(mine / time).toFixed(2)}`)
}
