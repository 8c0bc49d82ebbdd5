import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: { '#platform': source('./src/platform/node.ts'), '#engine': source('./src/runtime/node.ts') },
  },
  test: { include: ['test/**/*.test.ts'], exclude: ['test/interop/**', 'test/real/**'], testTimeout: 30_000, pool: 'forks' },
})
