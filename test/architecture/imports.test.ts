import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** What each folder of `src/` may import, besides itself and `errors.ts`. ARCHITECTURE.md draws the same table. */
const MAY_IMPORT: { readonly [folder: string]: readonly string[] } = {
  platform: [],
  tensor: [],
  bytes: ['platform', 'tensor'],
  graph: ['tensor'],
  ops: ['graph', 'tensor'],
  passes: ['ops', 'graph', 'tensor'],
  onnx: ['graph', 'ops', 'tensor', 'bytes'],
  kernels: ['tensor'],
  runtime: ['onnx', 'kernels', 'passes', 'ops', 'graph', 'tensor', 'platform'],
  nn: ['ops', 'graph', 'tensor'],
  formats: ['bytes', 'onnx', 'nn', 'ops', 'graph', 'tensor', 'platform'],
  model: ['formats', 'bytes', 'onnx', 'nn', 'runtime', 'passes', 'ops', 'graph', 'tensor', 'platform'],
  cli: ['index.ts', 'platform'],
}

/** Files that may touch Node's own modules: everything else runs in a browser. */
const NODE_FILES = [/^platform\/node\.ts$/, /^runtime\/node\.ts$/, /^cli\//]

/** Single files at the root of `src/` that only re-export. */
const FACADES = ['index.ts', 'graph-api.ts']

const ALIASES: { readonly [alias: string]: string } = { '#platform': 'platform', '#engine': 'runtime' }

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'assembly' ? [] : sources(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const statements = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g,
  )
  return [...statements].map((match) => (match[1] ?? match[2]) as string)
}

/** The folder (or root file) of `src/` that an import reaches; null for packages. */
function targetOf(file: string, specifier: string): string | null {
  if (specifier in ALIASES) return ALIASES[specifier] as string
  if (!specifier.startsWith('.')) return null
  return relative(SRC, resolve(dirname(file), specifier)).split('/')[0] as string
}

const files = sources(SRC).map((file) => ({
  file,
  path: relative(SRC, file),
  folder: relative(SRC, file).split('/')[0] as string,
}))

describe('imports go downwards', () => {
  test('every folder has a row in the table', () => {
    const folders = new Set(files.map(({ folder }) => folder).filter((folder) => !folder.endsWith('.ts')))
    expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([])
  })

  test('no folder imports what does not stand on its row', () => {
    const wrong = files
      .filter(({ path }) => !FACADES.includes(path) && path !== 'errors.ts')
      .flatMap(({ file, path, folder }) =>
        importsOf(file).flatMap((specifier) => {
          const target = targetOf(file, specifier)
          if (target === null || target === folder || target === 'errors.ts') return []
          return MAY_IMPORT[folder]?.includes(target) ? [] : [`${path} imports ${specifier}`]
        }),
      )
    expect(wrong).toEqual([])
  })

  test('node: modules appear in the files of Node only', () => {
    const wrong = files.flatMap(({ file, path }) =>
      NODE_FILES.some((pattern) => pattern.test(path))
        ? []
        : importsOf(file)
            .filter((specifier) => specifier.startsWith('node:'))
            .map((specifier) => `${path} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  test('no two files import each other in a circle', () => {
    const graph = new Map(
      files.map(({ file }) => [
        file,
        runtimeImports(file)
          .filter((specifier) => specifier.startsWith('.'))
          .map((specifier) => resolve(dirname(file), specifier)),
      ]),
    )
    expect(firstCircle(graph)?.map((file) => relative(SRC, file))).toBeUndefined()
  })
})

/** Imports that exist at run time: `import type` and `export type` do not. */
function runtimeImports(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const statements = text.matchAll(/(?:^|\n)\s*(?:import|export)\s(?!type\s)(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]/g)
  return [...statements].map((match) => match[1] as string)
}

function firstCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): string[] | undefined => {
    if (done.has(file)) return undefined
    const at = path.indexOf(file)
    if (at >= 0) return [...path.slice(at), file]
    path.push(file)
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next)
      if (circle) return circle
    }
    path.pop()
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const circle = visit(file)
    if (circle) return circle
  }
  return undefined
}
