/**
 * One training step of LSTM(64) → Dense(10) on 50 steps of 32 features, batch 32, Adam; and its inference.
 * Run: npx tsx bench/recurrent.ts. The same in Keras: python bench/keras_recurrent.py.
 */
import { layers, Sequential, tensor } from '../src/index.ts'

const [BATCH, TIME, FEATURES, UNITS, CLASSES] = [32, 50, 32, 64, 10]
const STEPS = 300

const noise = (size: number): Float32Array => Float32Array.from({ length: size }, () => Math.random() - 0.5)

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1] as number

async function measure(name: string, run: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < 30; i++) await run()
  const times: number[] = []
  for (let i = 0; i < STEPS; i++) {
    const start = performance.now()
    await run()
    times.push(performance.now() - start)
  }
  console.log(`${name}: ${median(times).toFixed(3)} ms`)
}

for (const [name, make] of [
  ['LSTM', layers.lstm],
  ['GRU', layers.gru],
  ['SimpleRNN', layers.simpleRNN],
] as const) {
  const model = new Sequential([
    make({ units: UNITS, inputShape: [TIME, FEATURES] }),
    layers.dense({ units: CLASSES, activation: 'softmax' }),
  ])
  model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy' })
  const x = tensor(noise(BATCH * TIME * FEATURES), { shape: [BATCH, TIME, FEATURES] })
  const y = tensor(
    Int32Array.from({ length: BATCH }, (_, i) => i % CLASSES),
    { shape: [BATCH] },
  )
  await measure(`${name} training step`, () => model.trainOnBatch(x, y))
  await measure(`${name} inference, batch ${BATCH}`, () => model.predictOnBatch(x))
  await model.dispose()
}
