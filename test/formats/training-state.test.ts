import { describe, expect, it } from 'vitest'
import type { ModelDoc, RunState } from '../../src/formats/doc.ts'
import { optimizerLayout } from '../../src/formats/keras/optimizer-layouts.ts'
import { open } from '../../src/formats/open.ts'
import { modelBytes } from '../../src/formats/write.ts'
import { OPTIMIZERS } from '../../src/nn/optimizers/index.ts'
import { settingsOf } from './check-codec.ts'
import { openFixture, slotsOf } from './keras-facts.ts'

const RUN: RunState = { seed: 7, step: 12, epoch: 4, stepInEpoch: 0, threads: 2, callbacks: { early: [0.5, 'x'] } }

async function withRun(file: string, run: RunState = RUN): Promise<ModelDoc> {
  const doc = await openFixture(file)
  return { ...doc, training: doc.training && { ...doc.training, run } }
}

async function warningsOf(doc: ModelDoc, format: string, era: 'common' | 'keras2' | 'keras3'): Promise<string[]> {
  const codes: string[] = []
  await modelBytes(doc, format, { era, onWarning: ({ code }) => codes.push(code) })
  return codes
}

describe('training state', () => {
  it.each([
    ['keras', 'common'],
    ['h5', 'common'],
    ['h5', 'keras2'],
    ['h5', 'keras3'],
  ] as const)('the position of a run survives in %s (%s)', async (format, era) => {
    const doc = await withRun('k3-adam-decay-clip.keras')
    const back = await open(await modelBytes(doc, format, { era }))
    expect(back.training?.run).toEqual(RUN)
    expect(settingsOf(back)).toEqual(settingsOf(doc))
    expect(await slotsOf(back)).toEqual(await slotsOf(doc))
    expect(back.producer.name).toBe('rekindle')
  })

  it('the exact optimizer comes back from a spelling that cannot say it', async () => {
    const doc = await withRun('k3-rmsprop.keras')
    const back = await open(await modelBytes(doc, 'h5'))
    // Written as a legacy optimizer, whose formula differs: ours must not become one.
    expect(back.training?.compile?.optimizer).toEqual(doc.training?.compile?.optimizer)
  })

  it('a state of another layout is not believed', async () => {
    const doc = await withRun('k3-adam.keras', { ...RUN, seed: 'x' as unknown as number })
    const back = await open(await modelBytes(doc, 'keras'))
    expect(back.training?.run).toBeNull()
    expect(back.training?.iterations).toBe(6)
  })

  it('says which era it chose, and what a dialect cannot carry', async () => {
    expect(await warningsOf(await withRun('k3-adam-decay-clip.keras'), 'h5', 'common')).toEqual(['era-chosen'])
    expect(await warningsOf(await withRun('k3-translator.keras'), 'h5', 'common')).toContain('era-chosen')
    expect(await warningsOf(await withRun('k3-translator.keras'), 'h5', 'keras3')).not.toContain('era-chosen')
    expect(await warningsOf(await withRun('k3-adagrad.keras'), 'h5', 'common')).toEqual(['formula-differs'])
    expect(await warningsOf(await withRun('k3-adam.keras'), 'h5', 'common')).toEqual([])
    expect(await warningsOf(await withRun('legacy-rmsprop.h5'), 'keras', 'common')).toEqual(['formula-differs'])
    expect(await warningsOf(await withRun('legacy-rmsprop-momentum.h5'), 'keras', 'common')).toEqual([])
  })

  it('leaves the optimizer out when asked', async () => {
    const doc = await withRun('k3-adam.keras')
    const back = await open(await modelBytes(doc, 'keras', { includeOptimizer: false }))
    expect(back.training?.iterations).toBeNull()
    expect(back.training?.slots).toEqual([])
    expect(back.training?.compile).toEqual(doc.training?.compile)
  })

  it('an incomplete optimizer state is not written, and that is said', async () => {
    const doc = await withRun('k3-adam.keras')
    const training = doc.training && { ...doc.training, slots: doc.training.slots.slice(1) }
    expect(await warningsOf({ ...doc, training }, 'keras', 'common')).toEqual(['optimizer-state-lost'])
  })

  it('slots that do not fit the weights are not restored, and that is said', async () => {
    const doc = await withRun('k3-sgd-momentum.keras')
    if (doc.architecture.kind !== 'layers') throw new Error('layers expected')
    // Frozen after the optimizer was built: the file holds more slots than the model has trained weights.
    const { graph } = doc.architecture
    const layers = graph.layers.map((layer) => ({ ...layer, trainable: layer.name !== 'scores' }))
    const bytes = await modelBytes(doc, 'h5', { era: 'keras3' })
    const frozen = await modelBytes({ ...doc, architecture: { kind: 'layers', graph: { ...graph, layers } } }, 'h5', {
      era: 'keras3',
    })
    expect((await open(bytes)).warnings).toEqual([])
    expect((await open(frozen)).training?.slots.map(({ weight }) => weight)).toEqual(['hidden/kernel', 'hidden/bias'])
    const text = new TextDecoder('latin1')
    // The same file with `trainable` of one layer turned by hand.
    const spelled = text.decode(bytes)
    const at = spelled.lastIndexOf('"trainable": true', spelled.indexOf('"units": 3, "activation": "softmax"'))
    const patched = bytes.slice()
    patched.set(new TextEncoder().encode('"trainable":false'), at)
    const back = await open(patched)
    expect(back.training?.slots).toEqual([])
    expect(back.training?.iterations).toBeNull()
    expect(back.warnings.map(({ code }) => code)).toEqual(['optimizer-state-not-restored'])
  })
})

describe('optimizer layouts', () => {
  const VARIANTS = [{}, { momentum: 0.9 }, { centered: true }, { momentum: 0.9, centered: true }, { amsgrad: true }]

  it.each(Object.keys(OPTIMIZERS))('%s keeps in Keras 3 files what it keeps here', (className) => {
    const def = OPTIMIZERS[className]
    for (const variant of VARIANTS) {
      const config = { ...(def?.defaults as object), ...variant }
      const own = def?.slots(config as never).map((group) => group.map(({ name }) => name))
      const stored = optimizerLayout(className, config, 'keras3')?.map((group) => group.map(({ slot }) => slot))
      expect(stored).toEqual(own)
    }
  })

  it('moving averages and accumulated gradients stand first', () => {
    const config = { momentum: 0.9, use_ema: true, gradient_accumulation_steps: 2 }
    expect(optimizerLayout('SGD', config, 'keras3')?.map((group) => group.map(({ slot }) => slot))).toEqual([
      ['average'],
      ['gradient_accumulator'],
      ['momentum'],
    ])
  })

  it('knows nothing of optimizers that it does not list, whatever their name', () => {
    for (const name of ['Muon', '__proto__', 'constructor', 'toString'])
      expect(optimizerLayout(name, {}, 'keras3')).toBeUndefined()
  })
})
