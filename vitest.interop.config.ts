import { defineConfig } from 'vitest/config'
import { shared } from './vitest.config.ts'

/** Against the real frameworks, one file after another: each starts Python processes that take a whole core. */
export default defineConfig({
  ...shared,
  test: { ...shared.test, include: ['test/interop/**/*.test.ts'], testTimeout: 300_000, fileParallelism: false },
})
