import { describe, expect, test } from 'vitest'
import { layers, loadModel, type Model, modelBytes, Sequential, setRandomSeed, tensor } from '../../src/index.ts'

const x = tensor(Float32Array.of(-2.7, -1, -0.3, 0.4, 1.9, 2.8), { shape: [6, 1] })

/** The activation itself: one weight of 1, no bias. */
function model(activation: string): Model {
  setRandomSeed(0)
  return new Sequential([
    layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones', activation, inputShape: [1] }),
  ])
}

const clip = (value: number): number => Math.min(1, Math.max(0, value))
const FORMULAS = {
  keras2_hard_sigmoid: (value: number) => clip(0.2 * value + 0.5),
  hard_sigmoid: (value: number) => clip((value + 3) / 6),
}

describe('hard_sigmoid is another function in each Keras', () => {
  for (const [name, formula] of Object.entries(FORMULAS)) {
    for (const [format, options] of [
      ['keras', {}],
      ['h5', {}],
      ['h5', { era: 'keras2' }],
      ['h5', { era: 'keras3' }],
    ] as const) {
      test(`${name} comes back from ${format} ${JSON.stringify(options)} as itself`, async () => {
        const warnings: string[] = []
        const onWarning = ({ code }: { code: string }): number => warnings.push(code)
        const bytes = await modelBytes(await model(name).toDoc(), format, { ...options, onWarning })
        const back = await loadModel(bytes)
        const expected = [...(x.data as Float32Array)].map(formula)
        expect([...((await back.predict(x)).data as Float32Array)]).toEqual(expected.map((v) => expect.closeTo(v, 6)))
        const keras3 = format === 'keras' || ('era' in options && options.era === 'keras3')
        expect(warnings.includes('hard-sigmoid')).toBe(keras3 !== (name === 'hard_sigmoid'))
      })
    }
  }
})
