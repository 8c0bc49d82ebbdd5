/**
 * Builds `dist/`: the kernels, then the JavaScript in a few files (290 modules one by one take 100 ms to load), and the
 * declarations unless `--js` asks for the JavaScript alone.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildKernels } from './build-kernels.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What package.json names: the subpaths, the two sides of `#platform` and `#engine`, and the command line. */
const ENTRIES = [
  'index.ts',
  'graph-api.ts',
  'bytes/index.ts',
  'platform/node.ts',
  'platform/web.ts',
  'runtime/node.ts',
  'runtime/web.ts',
  'cli/main.ts',
]

buildKernels()
rmSync(`${ROOT}dist`, { recursive: true, force: true })
await build({
  absWorkingDir: ROOT,
  entryPoints: ENTRIES.map((entry) => `src/${entry}`),
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  // One copy of every module, whichever entry reaches it first: classes keep their identity.
  splitting: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  packages: 'external',
  external: ['node:*', '#platform', '#engine'],
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'none',
  logLevel: 'warning',
})
if (!process.argv.includes('--js')) {
  const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' })
}
