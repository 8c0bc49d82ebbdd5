import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const PROGRAMS = [...README.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] as string)

/** What the first program leaves to its reader: small data in the shapes of the digits. */
const DATA = `
const pixels = (rows) => tensor(Float32Array.from({ length: rows * 784 }, (_, i) => Math.sin(i * i)), { shape: [rows, 784] })
const [xTrain, xTest] = [pixels(64), pixels(8)]
const yTrain = Int32Array.from({ length: 64 }, (_, i) => i % 10)
`

test('there are two programs', () => expect(PROGRAMS.length).toBe(2))

test.each([
  ['the first', 0],
  ['the functional one', 1],
])(
  '%s runs as it stands',
  (_, number) => {
    const folder = mkdtempSync(join(tmpdir(), 'rekindle-readme-'))
    try {
      // As an installed package: the build, under its name.
      execFileSync(process.execPath, [join(ROOT, 'bin', 'rekindle.js'), '--version'])
      mkdirSync(join(folder, 'node_modules'))
      symlinkSync(ROOT, join(folder, 'node_modules', 'rekindle'), 'dir')
      const [imports = '', ...body] = (PROGRAMS[number] as string).split('\n\n')
      const data = number === 0 ? DATA : ''
      writeFileSync(join(folder, 'program.mjs'), [imports, data, ...body].join('\n\n'))
      const out = execFileSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
      if (number === 1) expect(out).toMatch(/dense.*\[N, 32\]/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  60_000,
)
