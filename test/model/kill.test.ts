import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadModel } from '../../src/index.ts'
import { branching, branchingFeatures, branchingTargets } from './branching.ts'

const SCRIPT = fileURLToPath(new URL('train-until-killed.ts', import.meta.url))
const EPOCHS = 40

/** Runs the script; kills it some time after its `after`-th save. True when it came to its own end. */
function run(file: string, after: number, delay: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, file, String(EPOCHS)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let saves = 0
    let errors = ''
    child.stdout.on('data', (text: Buffer) => {
      saves += text.toString().split('\n').length - 1
      if (saves >= after) setTimeout(() => child.kill('SIGKILL'), delay)
    })
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString()
    })
    child.on('close', (code, signal) => {
      if (code === 0) resolve(true)
      else if (signal === 'SIGKILL') resolve(false)
      else reject(new Error(errors))
    })
  })
}

test.each(['.keras', '.h5'])(
  'a run that is killed again and again ends like the unbroken one (%s)',
  async (extension) => {
    const folder = mkdtempSync(join(tmpdir(), 'rekindle-kill-'))
    try {
      const file = join(folder, `model${extension}`)
      let kills = 0
      // Kills fall between saves and into them; the file must load each time.
      while (!(await run(file, 4 + 3 * kills, kills % 3))) {
        kills++
        expect(existsSync(file)).toBe(true)
      }
      expect(kills).toBeGreaterThan(1)
      const killed = await loadModel(file)
      const unbroken = branching()
      await unbroken.fit(branchingFeatures, branchingTargets, { epochs: EPOCHS, batchSize: 10, seed: 21, verbose: 0 })
      expect(killed.runState).toMatchObject({ epoch: EPOCHS, step: EPOCHS * 10 })
      expect(killed.getWeights().map(({ data }) => data)).toEqual(unbroken.getWeights().map(({ data }) => data))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  120_000,
)
