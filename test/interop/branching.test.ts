import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { encodeNpy } from '../../src/bytes/npy.ts'
import { branching, branchingFeatures, branchingTargets } from '../model/branching.ts'
import { python } from './python.ts'

describe('a shared layer, a nested model, two outputs, batch normalization and dropout', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rekindle-branching-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['keras', '.keras'],
    ['keras', '.h5'],
    ['tf_keras', '.h5'],
  ])('%s opens our %s and predicts the same', async (family, extension) => {
    const model = branching()
    await model.fit(branchingFeatures, branchingTargets, { epochs: 2, batchSize: 10, seed: 1, verbose: 0 })
    const file = join(folder, `${family}${extension}`)
    const x = join(folder, 'x.npy')
    await model.save(file)
    writeFileSync(x, await encodeNpy(branchingFeatures))
    const ours = await model.predictAll(branchingFeatures)
    const theirs = JSON.parse(python('predict.py', family, file, x)) as number[][][]
    expect(theirs.length).toBe(2)
    for (const [i, output] of ours.entries()) {
      const expected = (theirs[i] as number[][]).flat()
      expect(output.size).toBe(expected.length)
      const worst = Math.max(...expected.map((value, k) => Math.abs(value - Number(output.data[k]))))
      expect(worst).toBeLessThan(1e-5)
    }
  })
})
