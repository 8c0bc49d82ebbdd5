import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { loadModel, type Tensor, tensor } from '../../src/index.ts'

const FOLDER = fileURLToPath(new URL('../fixtures/keras/', import.meta.url))

interface Stored {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

interface Facts {
  readonly file: string
  readonly contains: 'model' | 'weights'
  readonly layers?: readonly { readonly class_name: string }[]
  readonly inputs?: readonly Stored[]
  readonly targets?: readonly Stored[]
  readonly predictions?: readonly Stored[]
  readonly continued?: {
    readonly batch_size: number
    readonly epochs: number
    readonly history: Readonly<Record<string, readonly number[]>>
    readonly predictions: readonly Stored[]
  }
}

const cases = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(FOLDER + name, 'utf8')) as Facts)

const toTensor = ({ shape, values }: Stored): Tensor => tensor(Float32Array.from(values), { shape })

function expectClose(actual: readonly Tensor[], expected: readonly Stored[], tolerance: number): void {
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape))
  for (const [i, { values }] of expected.entries()) {
    const data = actual[i]?.data as Float32Array
    const worst = Math.max(...values.map((value, k) => Math.abs(value - (data[k] as number)) / (1 + Math.abs(value))))
    expect(worst).toBeLessThanOrEqual(tolerance)
  }
}

describe('files by real Keras', () => {
  // A Lambda and a class of the user's own: nothing here can run them.
  const FOREIGN = ['Lambda', 'Scale']
  const isForeign = ({ layers = [] }: Facts): boolean => layers.some(({ class_name }) => FOREIGN.includes(class_name))
  const whole = cases.filter(({ contains, predictions, inputs }) => contains === 'model' && predictions && inputs)
  const runnable = whole.filter((facts) => !isForeign(facts))
  const trained = cases.filter(({ continued }) => continued)

  test('there are many', () => {
    expect(runnable.length).toBeGreaterThan(40)
    expect(trained.length).toBeGreaterThan(30)
  })

  test.each(runnable)('$file predicts as there', async ({ file, inputs = [], predictions = [] }) => {
    const model = await loadModel(FOLDER + file)
    expectClose(await model.predictAll(inputs.map(toTensor)), predictions, 2e-5)
    await model.dispose()
  })

  test.each(whole.filter(isForeign))('$file loads, and says what it cannot run', async ({ file, inputs = [] }) => {
    const warnings: string[] = []
    const model = await loadModel(FOLDER + file, { onWarning: ({ code }) => warnings.push(code) })
    expect(warnings).toEqual(expect.arrayContaining(['unsupported-layer']))
    await expect(model.predict(inputs.map(toTensor))).rejects.toMatchObject({ code: 'E_UNSUPPORTED_LAYER' })
  })

  test.each(trained)(
    '$file is trained on as the live model went on',
    async ({ file, inputs = [], targets = [], continued }) => {
      if (!continued) throw new Error('no facts')
      const model = await loadModel(FOLDER + file)
      const { batch_size: batchSize, epochs } = continued
      const { history } = await model.fit(inputs.map(toTensor), targets.map(toTensor), {
        batchSize,
        epochs,
        shuffle: false,
        verbose: 0,
      })
      // Keras 3 writes no metrics into an .h5: those that are there must agree.
      expect(Object.keys(continued.history)).toEqual(expect.arrayContaining(Object.keys(history)))
      for (const [name, values] of Object.entries(history)) {
        const expected = continued.history[name] ?? []
        const worst = Math.max(
          ...values.map((value, i) => Math.abs(value - (expected[i] as number)) / (Math.abs(value) + 1e-6)),
        )
        expect(worst, name).toBeLessThanOrEqual(5e-4)
      }
      expectClose(await model.predictAll(inputs.map(toTensor)), continued.predictions, 1e-3)
      await model.dispose()
    },
  )
})
