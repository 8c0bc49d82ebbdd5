// Only in a git checkout: builds dist/ on first use and after the sources have changed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const POLL_MS = 100
const INPUTS = ['src', 'package.json', 'scripts/build.ts', 'scripts/build-kernels.ts']

/** @param {string} root Folder of the checkout, with a slash at its end. */
export function buildWhenStale(root) {
  const stamp = join(root, 'dist', '.built')
  if (isFresh(root, stamp)) return
  const lock = join(root, '.cache', 'build.lock')
  mkdirSync(join(root, '.cache'), { recursive: true })
  takeLock(lock)
  // The one that waited finds the work done.
  const problem = isFresh(root, stamp) ? null : build(root, stamp)
  rmSync(lock, { force: true })
  if (problem === null) return
  process.stderr.write(`rekindle: ${problem}\n`)
  process.exit(2)
}

function isFresh(root, stamp) {
  if (!existsSync(stamp)) return false
  const builtAt = statSync(stamp).mtimeMs
  return INPUTS.every((name) => isOlder(join(root, name), builtAt))
}

/** The generated kernels are a product of the build, so they do not count. */
function isOlder(path, time) {
  const facts = statSync(path)
  if (!facts.isDirectory()) return facts.mtimeMs <= time
  return readdirSync(path).every((name) => name === 'generated' || isOlder(join(path, name), time))
}

/** Waits for another process that builds; one that died without a word leaves a lock that is taken over. */
function takeLock(lock) {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isAbandoned(lock)) rmSync(lock, { force: true })
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS)
  }
}

function isAbandoned(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    // Just made and still empty: its owner is about to write its number.
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs > 10 * POLL_MS
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Builds, and returns what went wrong or null. */
function build(root, stamp) {
  if (!existsSync(join(root, 'node_modules', 'esbuild'))) {
    return 'this checkout has no dependencies yet; run npm ci first'
  }
  process.stderr.write('rekindle: building (once, and after the sources change) …\n')
  const startedAt = new Date()
  rmSync(stamp, { force: true })
  const { status, stdout, stderr, error } = spawnSync('npm', ['run', '--silent', 'build', '--', '--js'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) return `the build failed (npm run build)\n${error?.message ?? stdout + stderr}`
  writeFileSync(stamp, '')
  // What changed while it was building counts as newer.
  utimesSync(stamp, startedAt, startedAt)
  return null
}
