/**
 * A training run that is killed and started again until it is done: `tsx train-until-killed.ts FILE EPOCHS`.
 * It saves after every epoch, and goes on from FILE where that exists. Says `epoch N` after each save.
 */
import { existsSync } from 'node:fs'
import { loadModel, type Model } from '../../src/index.ts'
import { branching, branchingFeatures, branchingTargets } from './branching.ts'

const [file = '', epochs = '1'] = process.argv.slice(2)
const model: Model = existsSync(file) ? await loadModel(file) : branching()
const save = {
  onEpochEnd: async (epoch: number) => {
    await model.save(file)
    console.log(`epoch ${epoch + 1}`)
  },
}
await model.fit(branchingFeatures, branchingTargets, {
  epochs: Number(epochs),
  initialEpoch: model.runState?.epoch ?? 0,
  batchSize: 10,
  seed: 21,
  verbose: 0,
  callbacks: [save],
})
