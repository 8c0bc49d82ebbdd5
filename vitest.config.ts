import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What both suites share: sources instead of the build, kernels compiled first, counts on the last line. */
export const shared = {
  resolve: {
    alias: { '#platform': source('./src/platform/node.ts'), '#engine': source('./src/runtime/node.ts') },
  },
  test: {
    globalSetup: ['test/setup-kernels.ts'],
    reporters: ['default', source('./scripts/vitest-reporter.ts')],
    testTimeout: 30_000,
    pool: 'forks' as const,
  },
}

export default defineConfig({
  ...shared,
  test: { ...shared.test, include: ['test/**/*.test.ts'], exclude: ['test/interop/**', 'test/real/**'] },
})
