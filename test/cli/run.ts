import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { type DType, type Tensor, tensor, writeArrays } from '../../src/index.ts'

export const BIN = fileURLToPath(new URL('../../bin/rekindle.js', import.meta.url))
const FIXTURES = fileURLToPath(new URL('../fixtures/keras/', import.meta.url))

/** The first run of a checkout builds. */
export const BUILD_TIMEOUT = 240_000

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder that is gone after the tests of a file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rekindle-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the command line as a user does; `during` sees what it writes to stderr and may send signals. */
export function rekindle(
  args: readonly string[],
  {
    cwd,
    env = {},
    during,
  }: { cwd: string; env?: NodeJS.ProcessEnv; during?: (stderr: string, kill: () => void) => void },
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
      during?.(stderr, () => child.kill('SIGINT'))
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

interface Stored {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

/** What real Keras said about a fixture file. */
export interface Facts {
  readonly inputs: readonly Stored[]
  readonly predictions: readonly Stored[]
  readonly targets: readonly Stored[] | null
  readonly optimizer: { readonly class_name: string; readonly iterations?: number }
  readonly continued: {
    readonly batch_size: number
    readonly epochs: number
    readonly history: Readonly<Record<string, readonly number[]>>
    readonly predictions: readonly Stored[]
  }
}

export function fixture(name: string): { readonly path: string; readonly facts: Facts } {
  const path = join(FIXTURES, name)
  return { path, facts: JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Facts }
}

export function toTensor({ dtype, shape, values }: Stored): Tensor {
  return tensor([...values], { dtype, shape })
}

/** Writes arrays into the folder and gives the path. */
export async function save(folder: string, name: string, arrays: Readonly<Record<string, Tensor>>): Promise<string> {
  const path = join(folder, name)
  await writeArrays(path, new Map(Object.entries(arrays)))
  return path
}

/** The largest difference relative to 1 + |expected|. */
export function largestError(actual: ArrayLike<number | bigint>, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  return Math.max(...expected.map((value, i) => Math.abs(Number(actual[i]) - value) / (1 + Math.abs(value))))
}
