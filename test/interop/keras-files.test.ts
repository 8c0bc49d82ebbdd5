import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WriteOptions } from '../../src/formats/codec.ts'
import { modelBytes } from '../../src/formats/write.ts'
import { FILES, type FileFacts, factsOf, openFixture, pathOf } from '../formats/keras-facts.ts'
import { python } from './python.ts'

type Family = 'keras' | 'tf_keras'

/** One file of ours that one of the frameworks shall open. */
interface Job {
  readonly source: string
  readonly format: string
  readonly options: WriteOptions
  readonly family: Family
  /** Continue training; otherwise only predict and evaluate. */
  readonly train: boolean
  /** Load the weights into the model of this fixture. */
  readonly weightsInto?: string
}

interface Result {
  readonly error?: string
  readonly predictions: number
  readonly iterations?: number
  readonly learning_rate?: number
  readonly slots_missing?: number
  readonly names?: readonly string[]
  readonly history?: number
  readonly iterations_after?: number
  readonly predictions_after?: number
}

const folder = mkdtempSync(join(tmpdir(), 'rekindle-keras-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Models with numbers to compare, of layers that every framework knows. */
const MODELS = FILES.filter((file) => {
  const { contains, predictions } = factsOf(file)
  return contains === 'model' && predictions !== undefined && !/custom|lambda/.test(file)
})
const ofKeras3 = (file: string): boolean => file.startsWith('k3-') && file.endsWith('.keras')
const ofLegacy = (file: string): boolean => /^(legacy|old)-/.test(file)
const ofTfKeras = (file: string): boolean => file.startsWith('tfk-') && file.endsWith('.h5')

/** tf-keras would continue these by its legacy formula, which is not that of the file's own framework. */
function formulaDiffers(file: string): boolean {
  return !ofLegacy(file) && /adagrad|rmsprop\.|objects/.test(file)
}

const JOBS: readonly Job[] = [
  ...MODELS.flatMap((source): Job[] => [
    // Keras 3 continues from a `.keras` of ours, whoever made the model, unless the optimizer is not its own.
    { source, format: 'keras', options: {}, family: 'keras', train: !/^legacy-(adagrad|rmsprop)\./.test(source) },
  ]),
  ...MODELS.filter((file) => ofKeras3(file) || ofLegacy(file) || ofTfKeras(file)).flatMap((source): Job[] => {
    const file = { source, format: 'h5', options: { era: 'common' } } as const
    const bothRead = !/decay-clip|translator/.test(source)
    return [
      { ...file, family: 'tf_keras', train: !formulaDiffers(source) },
      // Chosen for tf-keras, aloud: Keras 3 misses the optimizer's settings, or cannot open states given by name.
      ...(bothRead ? [{ ...file, family: 'keras', train: false } as const] : []),
    ]
  }),
  ...MODELS.filter(ofTfKeras).map(
    (source): Job => ({ source, format: 'h5', options: { era: 'keras2' }, family: 'tf_keras', train: true }),
  ),
  ...MODELS.filter(ofKeras3).map(
    (source): Job => ({ source, format: 'h5', options: { era: 'keras3' }, family: 'keras', train: false }),
  ),
  ...['k3-functional', 'k3-norm', 'k3-nested'].map((name): Job => {
    return {
      source: `${name}.keras`,
      format: 'weights.h5',
      options: {},
      family: 'keras',
      train: false,
      weightsInto: `${name}.keras`,
    }
  }),
  ...['tfk-functional', 'tfk-norm', 'tfk-nested'].map((name): Job => {
    return {
      source: `${name}.h5`,
      format: 'h5',
      options: { weightsOnly: true },
      family: 'tf_keras',
      train: false,
      weightsInto: `${name}.h5`,
    }
  }),
]

function label({ source, format, options, family, train }: Job): string {
  return `${source} as ${format} ${options.weightsOnly ? 'weights' : (options.era ?? '')} in ${family}${train ? ', trained on' : ''}`
}

describe('real Keras opens what we write', () => {
  let results: readonly Result[] = []

  beforeAll(async () => {
    const jobs = []
    for (const [i, { source, format, options, family, train, weightsInto }] of JOBS.entries()) {
      const path = join(folder, `${i}.${format}`)
      writeFileSync(path, await modelBytes(await openFixture(source), format, options))
      jobs.push({
        path,
        family,
        train,
        facts: `${pathOf(source)}.json`,
        weights_into: weightsInto ? pathOf(weightsInto) : null,
      })
    }
    const list = join(folder, 'jobs.json')
    writeFileSync(list, JSON.stringify(jobs))
    results = JSON.parse(python('keras_files.py', list)) as Result[]
  }, 900_000)

  it.each(JOBS.map((job, i) => [label(job), job, i] as const))('%s', (_, job, i) => {
    const facts: FileFacts = factsOf(job.source)
    const result = results[i]
    expect(result?.error).toBeUndefined()
    expect(result?.predictions).toBeLessThan(1e-6)
    if (!facts.optimizer || job.weightsInto) return
    expect(result?.iterations).toBe(facts.optimizer.iterations)
    expect(Math.fround(result?.learning_rate ?? 0)).toBe(facts.optimizer.learning_rate)
    if (!job.train || !facts.continued) return
    expect(result?.slots_missing).toBe(0)
    expect(result?.history).toBeLessThan(1e-5)
    expect(result?.iterations_after).toBe(facts.optimizer.iterations + 6)
    expect(result?.predictions_after).toBeLessThan(1e-4)
    // tf-keras leaves the output out of names in a `common` file, where Keras 3 puts it in.
    const prefixes = Object.keys(facts.continued.history).some((name) => name.startsWith('flag_'))
    if (!(prefixes && job.options.era === 'common'))
      expect(result?.names).toEqual(Object.keys(facts.continued.history).sort())
  })
})
