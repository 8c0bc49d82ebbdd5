// The seed's network in Rekindle, from the build in dist/. One JSON line per task.
// Usage: node ours.mjs fit | predict | layers | cold FILE | save FILE
import { layers, loadModel, Sequential, setRandomSeed, tensor } from '../dist/index.js'

const [ROWS, FEATURES, CLASSES, BATCH] = [60_000, 784, 10, 32]

function seedModel() {
  setRandomSeed(0)
  const model = new Sequential([
    layers.dense({ units: 64, activation: 'relu', inputShape: [FEATURES] }),
    layers.dense({ units: 64, activation: 'relu' }),
    layers.dense({ units: CLASSES, activation: 'softmax' }),
  ])
  model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
  return model
}

function data(rows) {
  const x = new Float32Array(rows * FEATURES)
  let state = 1
  for (let i = 0; i < x.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    x[i] = state / 2 ** 32
  }
  return [tensor(x, { shape: [rows, FEATURES] }), Int32Array.from({ length: rows }, (_, i) => (i * 7) % CLASSES)]
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]

const tasks = {
  async fit() {
    const [x, y] = data(ROWS)
    const model = seedModel()
    await model.fit(x.rows(0, 3200), y.subarray(0, 3200), { batchSize: BATCH, epochs: 1, verbose: 1 })
    const start = performance.now()
    await model.fit(x, y, { batchSize: BATCH, epochs: 2, verbose: 1 })
    return { ms: (performance.now() - start) / ((2 * ROWS) / BATCH) }
  },
  async predict() {
    const [x] = data(BATCH)
    const model = seedModel()
    const times = []
    for (let i = 0; i < 2000; i++) {
      const start = performance.now()
      await model.predictOnBatch(x)
      times.push(performance.now() - start)
    }
    return { ms: median(times.slice(500)) }
  },
  /** Ten times the layers: 10 and 100 hidden layers of 64, building and training, per step. */
  async layers() {
    const result = {}
    for (const depth of [10, 100, 10, 100]) {
      const hidden = Array.from({ length: depth }, (_, i) =>
        layers.dense({ units: 64, activation: 'relu', ...(i === 0 && { inputShape: [64] }) }),
      )
      const start = performance.now()
      const model = new Sequential([...hidden, layers.dense({ units: CLASSES, activation: 'softmax' })])
      model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
      const x = tensor(new Float32Array(3200 * 64).fill(0.5), { shape: [3200, 64] })
      const y = new Int32Array(3200)
      await model.fit(x.rows(0, BATCH), y.subarray(0, BATCH), { batchSize: BATCH, epochs: 1, verbose: 0 })
      const built = performance.now()
      await model.fit(x, y, { batchSize: BATCH, epochs: 5, verbose: 0 })
      result[`build${depth}`] = built - start
      result[`step${depth}`] = (performance.now() - built) / 500
      await model.dispose()
    }
    return result
  },
  async cold(path) {
    const model = await loadModel(path)
    await model.predict(tensor(new Float32Array(FEATURES), { shape: [1, FEATURES] }))
    return { mib: process.resourceUsage().maxRSS / 1024 }
  },
  async save(path) {
    const [x, y] = data(320)
    const model = seedModel()
    await model.fit(x, y, { epochs: 1, verbose: 0 })
    await model.save(path)
    return {}
  },
}

const [task, ...args] = process.argv.slice(2)
const result = await tasks[task](...args)
console.log(`\n${JSON.stringify(result)}`)
