import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { BUILD_TIMEOUT, rekindle, temporaryFolder } from './run.ts'

const cwd = temporaryFolder()

beforeAll(() => rekindle(['--version'], { cwd }), BUILD_TIMEOUT)

it('the demo learns, saves, loads and predicts the same', async () => {
  const { code, stdout, stderr } = await rekindle(['demo'], { cwd })
  expect([code, stderr]).toEqual([0, ''])
  const accuracy = Number(/(\d+\.\d+)% of 1,000 digits/.exec(stdout)?.[1])
  expect(accuracy).toBeGreaterThan(93)
  expect(stdout).toContain('saved my_model.h5, loaded it back, predicted again: equal')
  expect(existsSync(join(cwd, 'my_model.h5'))).toBe(true)
  const shown = await rekindle(['show', 'my_model.h5'], { cwd })
  expect(shown.stdout).toContain('55,050 params')
})
