import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LayerGraph } from '../../src/formats/doc.ts'
import { matchWeights } from '../../src/formats/keras/match-weights.ts'
import { optimizerSpec } from '../../src/formats/keras/optimizer-config.ts'
import { open } from '../../src/formats/open.ts'
import { checkCodec } from './check-codec.ts'
import { FILES, factsOf, type LayerFacts, pathOf, slotsOf, weightsOf } from './keras-facts.ts'

/** Files whose layers Rekindle does not run yet. */
const UNKNOWN_LAYERS = /^k3-(custom|lambda|nan)\./

function layersOf(graph: LayerGraph): LayerFacts[] {
  const counted = graph.layers.filter((layer) => graph.kind === 'functional' || layer.className !== 'InputLayer')
  return counted.map((layer) => ({
    name: layer.name,
    class_name: layer.className,
    trainable: layer.trainable,
    ...(layer.graph ? { layers: layersOf(layer.graph) } : {}),
  }))
}

function sorted<T extends { weight: string | null; slot: string }>(slots: readonly T[]): T[] {
  return [...slots].sort((a, b) => (`${a.slot} ${a.weight}` < `${b.slot} ${b.weight}` ? -1 : 1))
}

describe('files of real Keras', () => {
  it.each(FILES)('%s is what the manifest says', (file) => {
    const manifest = JSON.parse(readFileSync(pathOf('../manifest.json'), 'utf8')) as {
      keras: { files: { [name: string]: string } }
    }
    const digest = createHash('sha256')
      .update(readFileSync(pathOf(file)))
      .digest('hex')
    expect(digest).toBe(factsOf(file).sha256)
    expect(digest).toBe(manifest.keras.files[file])
  })

  const models = FILES.filter((file) => factsOf(file).contains === 'model')

  it.each(models)('%s reads as the live model was', async (file) => {
    const facts = factsOf(file)
    const doc = await open(pathOf(file))
    expect(doc.architecture.kind).toBe('layers')
    if (doc.architecture.kind !== 'layers') return
    expect(layersOf(doc.architecture.graph)).toEqual(facts.layers)
    if (!UNKNOWN_LAYERS.test(file)) expect(await weightsOf(doc)).toEqual(facts.weights)
    if (facts.optimizer) {
      const { optimizer } = facts
      expect(doc.training?.iterations).toBe(optimizer.iterations)
      expect(await slotsOf(doc)).toEqual(sorted(optimizer.slots))
      const { className, config = {} } = optimizerSpec(doc.training?.compile?.optimizer ?? null) ?? {}
      expect(className).toBe(optimizer.class_name)
      expect(config.legacy).toBe(optimizer.legacy ? true : undefined)
      expect(Math.fround(config.learning_rate as number)).toBe(optimizer.learning_rate)
      for (const key of ['momentum', 'nesterov', 'centered', 'amsgrad', 'beta_1', 'rho', 'clipnorm', 'weight_decay']) {
        if (Object.hasOwn(optimizer.config, key)) expect(config[key], key).toBe(optimizer.config[key])
      }
    }
    await doc.close()
  })

  it.each(FILES)('%s goes through every form and back', async (file) => {
    await checkCodec(readFileSync(pathOf(file)), file, { unknownLayers: UNKNOWN_LAYERS.test(file) })
  })

  const weightFiles = FILES.filter((file) => factsOf(file).contains === 'weights')

  it.each(weightFiles)('%s fills the model that was saved beside it', async (file) => {
    const facts = factsOf(file)
    const model = await open(pathOf(file.replace(/\.weights.*$/, '.keras')))
    const weights = await open(pathOf(file))
    expect(weights.architecture.kind).toBe('weights')
    if (model.architecture.kind !== 'layers') return
    const matched = matchWeights(model.architecture.graph, weights)
    expect(await weightsOf({ ...weights, weights: matched.weights })).toEqual(facts.weights)
    expect(matched.warnings).toEqual([])
    await model.close()
    await weights.close()
  })
})
