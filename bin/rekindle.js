#!/usr/bin/env node
// Runs the command line. In an installed package that is all; in a git checkout it is built first when it must be.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

module.enableCompileCache?.()
const root = fileURLToPath(new URL('..', import.meta.url))
if (existsSync(`${root}src/cli/main.ts`) && existsSync(`${root}tsconfig.build.json`)) {
  const { buildWhenStale } = await import('./build-when-stale.js')
  buildWhenStale(root)
}
await import('../dist/cli/main.js')
