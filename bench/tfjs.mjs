// The seed's network in TensorFlow.js on its WebAssembly backend. One JSON line.
import { createRequire } from 'node:module'
import { dirname } from 'node:path'

const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs')
const wasm = require('@tensorflow/tfjs-backend-wasm')

wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`)
await tf.setBackend('wasm')
await tf.ready()

const [ROWS, FEATURES, CLASSES, BATCH] = [6_400, 784, 10, 32]
const model = tf.sequential({
  layers: [
    tf.layers.dense({ units: 64, activation: 'relu', inputShape: [FEATURES] }),
    tf.layers.dense({ units: 64, activation: 'relu' }),
    tf.layers.dense({ units: CLASSES, activation: 'softmax' }),
  ],
})
model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
const x = tf.randomUniform([ROWS, FEATURES])
const y = tf.tensor1d(Float32Array.from({ length: ROWS }, (_, i) => (i * 7) % CLASSES))
await model.fit(x, y, { batchSize: BATCH, epochs: 1, verbose: 0 })
const start = performance.now()
await model.fit(x, y, { batchSize: BATCH, epochs: 2, shuffle: true, verbose: 0 })
console.log(`\n${JSON.stringify({ ms: (performance.now() - start) / ((2 * ROWS) / BATCH), version: tf.version.tfjs })}`)
