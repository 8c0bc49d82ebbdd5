import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RekindleError } from '../../src/errors.ts'
import { modelBytes } from '../../src/formats/index.ts'
import { caseModel, readCases } from '../layers/check-layer.ts'
import { toTensor } from '../nn/golden.ts'
import { python } from './python.ts'

interface Result {
  readonly difference?: number
  readonly error?: string
  readonly absent?: boolean
}

const folder = mkdtempSync(join(tmpdir(), 'rekindle-layers-'))
afterAll(() => rmSync(folder, { recursive: true }))

const CASES = readdirSync(new URL('../fixtures/layers/', import.meta.url))
  .filter((file) => file.endsWith('.json'))
  .flatMap(readCases)
  .filter((one) => one.files !== false)

/** What is written, and who opens it. The default `.h5` is for both families. */
const TARGETS = [
  { format: 'keras', family: 'keras' },
  { format: 'h5', family: 'keras' },
  { format: 'h5', family: 'tf_keras' },
] as const

/** Warnings of an `.h5` that tf-keras will compute something else, or nothing. */
const KERAS_2_LACKS = ['era-chosen', 'hard-sigmoid', 'activation-refused']

const JOBS = CASES.flatMap((one) => TARGETS.map((target) => ({ one, ...target })))

describe('real Keras opens single layers of ours and predicts the same', () => {
  const results: Result[] = []

  beforeAll(async () => {
    const jobs: object[] = []
    const places: number[] = []
    for (const [i, { one, format, family }] of JOBS.entries()) {
      const { model } = caseModel(one)
      const path = join(folder, `${i}.${format}`)
      let lost = false
      const onWarning = ({ code }: { code: string }): void => {
        lost ||= format === 'h5' && (code === 'option-lost' || (family === 'tf_keras' && KERAS_2_LACKS.includes(code)))
      }
      try {
        writeFileSync(path, await modelBytes(await model.toDoc(), format, { onWarning }))
      } catch (error) {
        // What one era cannot say is refused with a code; `.keras` can say everything.
        if (!(error instanceof RekindleError) || format === 'keras') throw error
        lost = true
      }
      // What an .h5 is said to lose, its reader cannot know.
      if (lost) {
        results[i] = { absent: true }
        continue
      }
      const outputs = await model.predictAll(one.inputs.map(toTensor))
      await model.dispose()
      const tensors = outputs.map(({ dtype, shape, data }) => ({
        dtype,
        shape,
        data: Array.from(data as Float32Array),
      }))
      jobs.push({ path, family, class_name: one.class_name, inputs: one.inputs, outputs: tensors })
      places.push(i)
    }
    const list = join(folder, 'jobs.json')
    writeFileSync(list, JSON.stringify(jobs))
    const found = JSON.parse(python('layers.py', list)) as Result[]
    for (const [n, place] of places.entries()) results[place] = found[n] as Result
  }, 900_000)

  it.each(
    JOBS.map((job, i) => [`${job.one.class_name}: ${job.one.name}, .${job.format} in ${job.family}`, i] as const),
  )('%s', (_, i) => {
    const result = results[i] as Result
    expect(result.error).toBeUndefined()
    if (result.absent) expect(JOBS[i]?.format).toBe('h5')
    else expect(result.difference).toBeLessThan(5e-5)
  })
})
