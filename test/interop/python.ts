import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PYTHON = process.env.REKINDLE_PYTHON ?? `${ROOT}.venv/bin/python`

/** Runs a script of `test/interop` in the environment of the real frameworks; gives the last line that it prints. */
export function python(script: string, ...args: string[]): string {
  const path = fileURLToPath(new URL(script, import.meta.url))
  // -P: a script's own folder is not searched for modules, so that no file here can stand for a framework.
  const result = spawnSync(PYTHON, ['-P', path, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (result.status !== 0) throw new Error(`${script} ${args.join(' ')} failed:\n${result.stderr?.slice(-4000)}`)
  return result.stdout.trim().split('\n').at(-1) ?? ''
}
