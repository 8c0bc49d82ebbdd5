/**
 * Compiles the optimizer kernels from AssemblyScript into `src/kernels/generated/optimizers.ts`: the module's bytes as
 * base64, and the parameters of every kernel, read from the source. Does nothing when that file is up to date.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const SOURCE = 'src/kernels/assembly/optimizers.ts'
const TARGET = fileURLToPath(new URL('../src/kernels/generated/optimizers.ts', import.meta.url))

const FLAGS = '-O3 --noAssert --runtime stub --enable simd --importMemory --noExportMemory --initialMemory 0'

/** True when it compiled, false when the generated file already fits the source and this script. */
export function buildKernels(): boolean {
  const source = readFileSync(`${ROOT}${SOURCE}`, 'utf8')
  const hash = createHash('sha256')
    .update(source)
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest('hex')
  const stamp = `// From ${SOURCE} by scripts/build-kernels.ts; sha256 of both: ${hash}\n`
  if (existsSync(TARGET) && readFileSync(TARGET, 'utf8').startsWith(stamp)) return false
  const bytes = compile()
  mkdirSync(dirname(TARGET), { recursive: true })
  writeFileSync(TARGET, stamp + render(bytes, signaturesOf(source)))
  return true
}

/** In a process of its own: below a TypeScript loader the compiler takes four times as long. */
function compile(): Uint8Array {
  const compiler = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js')
  const folder = mkdtempSync(join(tmpdir(), 'rekindle-kernels-'))
  try {
    const file = join(folder, 'optimizers.wasm')
    execFileSync(process.execPath, [compiler, SOURCE, '--outFile', file, ...FLAGS.split(' ')], { cwd: ROOT })
    return readFileSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Signature {
  readonly pointers: readonly string[]
  readonly scalars: readonly string[]
}

/** Kernels are `export function name(pointers: usize…, n: u32, scalars: f32…): void`. */
function signaturesOf(source: string): Record<string, Signature> {
  const signatures: Record<string, Signature> = {}
  for (const [, name, list] of source.matchAll(/^export function (\w+)\(([^)]*)\): void/gm)) {
    const parameters = [...(list as string).matchAll(/(\w+): (usize|u32|f32)/g)]
    const named = (type: string): string[] => parameters.filter((p) => p[2] === type).map((p) => p[1] as string)
    signatures[name as string] = { pointers: named('usize'), scalars: named('f32') }
  }
  return signatures
}

function render(bytes: Uint8Array, signatures: Record<string, Signature>): string {
  return `
/** Kernels by name: what stands before and after the length in their arguments. */
export const KERNEL_SIGNATURES = ${JSON.stringify(signatures, null, 2)} as const

/** The WebAssembly module (${bytes.length} bytes); it imports its memory as env.memory. */
export const KERNELS_BASE64 =
  '${Buffer.from(bytes).toString('base64')}'
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now()
  const built = buildKernels()
  console.log(built ? `kernels built in ${Math.round(performance.now() - started)} ms` : 'kernels are up to date')
}
