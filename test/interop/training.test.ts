import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadModel, type Tensor } from '../../src/index.ts'
import { python } from './python.ts'

interface Facts {
  readonly name: string
  readonly files: readonly string[]
  readonly before: number[][]
  readonly after: number[][]
  readonly history: Readonly<Record<string, readonly number[]>>
  readonly batch: number
  readonly epochs: number
  readonly iterations: number
}

/** Printed in the title: a failure can be repeated with it. */
const SEED = process.env.INTEROP_SEED ?? String(Math.floor(Math.random() * 2 ** 31))

describe.each(['keras3', 'legacy'])(`files in mid-training by ${'%s'}, seed ${SEED}`, (era) => {
  const folder = mkdtempSync(join(tmpdir(), 'rekindle-interop-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('are continued as the live model goes on', async () => {
    python('training.py', 'make', folder, SEED, ...(era === 'legacy' ? ['legacy'] : []))
    const cases = readdirSync(folder).filter((name) => name.endsWith('.json'))
    expect(cases.length).toBeGreaterThan(20)
    const problems: string[] = []
    for (const entry of cases) {
      const facts = JSON.parse(readFileSync(join(folder, entry), 'utf8')) as Facts
      for (const file of facts.files) {
        await continueFile(folder, file, facts).catch((error: Error) => problems.push(`${file}: ${error.message}`))
      }
    }
    expect(problems).toEqual([])
  })

  test('come back as .keras that Keras 3 continues, and as .h5 that both open and tf-keras continues', async () => {
    const facts = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Facts)
    for (const { name, files } of facts) {
      // Alternately from the one file and the other, where there are two.
      const model = await loadModel(join(folder, files.at(-1) as string))
      await model.save(join(folder, `${name}.back.keras`))
      await model.save(join(folder, `${name}.back.h5`))
    }
    for (const family of [[], ['legacy']]) {
      const { count, problems } = JSON.parse(python('training.py', 'check', folder, ...family))
      expect(problems).toEqual([])
      expect(count).toBeGreaterThan(5)
    }
  })
})

async function continueFile(folder: string, file: string, facts: Facts): Promise<void> {
  const model = await loadModel(join(folder, file))
  try {
    const x = join(folder, `${facts.name}.x.npy`)
    const y = join(folder, `${facts.name}.y.npy`)
    close(await model.predict(x), facts.before, 2e-5, 'predictions after loading')
    if (!model.isCompiled) throw new Error('not compiled')
    expect(model.optimizer.iterations * 2).toBe(facts.iterations)
    const settings = { batchSize: facts.batch, epochs: facts.epochs, shuffle: false, verbose: 0 } as const
    const { history } = await model.fit(x, y, settings)
    // Keras stores no metrics in its own .h5: those that are there must agree.
    for (const [name, values] of Object.entries(history)) {
      const expected = facts.history[name] ?? []
      values.forEach((value, i) => {
        const wanted = expected[i] as number
        if (!(Math.abs(value - wanted) <= 5e-4 * Math.abs(wanted) + 1e-6))
          throw new Error(`${name}[${i}]: ${value}, expected ${wanted}`)
      })
    }
    close(await model.predict(x), facts.after, 1e-3, 'predictions after two more epochs')
  } finally {
    await model.dispose()
  }
}

function close(actual: Tensor, expected: number[][], tolerance: number, what: string): void {
  const flat = expected.flat(3)
  const data = actual.data as Float32Array
  if (data.length !== flat.length) throw new Error(`${what}: ${data.length} numbers, expected ${flat.length}`)
  flat.forEach((wanted, i) => {
    const value = data[i] as number
    if (!(Math.abs(value - wanted) <= tolerance * (1 + Math.abs(wanted)))) {
      throw new Error(`${what}, number ${i}: ${value}, expected ${wanted}`)
    }
  })
}
