/**
 * The package as a user gets it: packed, linted (publint, types as every resolver sees them), installed in an empty
 * folder, imported and run, once with the native engine and once without. Closes with counts.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'rekindle-package-'))
let passed = 0
let failed = 0

async function check(name: string, body: () => string[] | Promise<string[]>): Promise<void> {
  const problems = await Promise.resolve()
    .then(body)
    .catch((error: unknown) => [String(error)])
  if (problems.length === 0) passed++
  else failed++
  console.log(`${problems.length === 0 ? 'ok' : 'FAILED'}  ${name}${problems.map((line) => `\n    ${line}`).join('')}`)
}

function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
  cwd = folder,
): { out: string; err: string; status: number } {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, ...env } })
  return { out: result.stdout, err: result.stderr, status: result.status ?? 1 }
}

/** The ten-line program of the README, on data of its own. */
const PROGRAM = `
import { Sequential, layers, loadModel, tensor } from 'rekindle'
const model = new Sequential([
  layers.dense({ units: 4, activation: 'relu', inputShape: [3] }),
  layers.dense({ units: 2, activation: 'softmax' }),
])
model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] })
const x = tensor(Float32Array.from({ length: 30 }, (_, i) => Math.sin(i)), { shape: [10, 3] })
await model.fit(x, Int32Array.from({ length: 10 }, (_, i) => i % 2), { epochs: 2, verbose: 0 })
await model.save('my_model.h5')
const loaded = await loadModel('my_model.h5')
const [a, b] = [await model.predict(x), await loaded.predict(x)]
if (a.data.some((v, i) => v !== b.data[i])) throw new Error('predictions differ after loading')
console.log('trained, saved, loaded', (await loaded.engine()).kind)
`

execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
  cwd: ROOT,
  stdio: ['ignore', 'ignore', 'inherit'],
})
const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string)

await check('publint', async () => {
  const { messages, pkg } = await publint({ pkgDir: ROOT, strict: true })
  return messages.map((message) => formatMessage(message, pkg) ?? message.code)
})

await check('types resolve for every import', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)))
  if (!analysis.types) return ['no types in the package']
  // An ESM-only package: require() of it from CommonJS is not promised, nor is Node 10's resolution.
  const accepted = new Set(['CJSResolvesToESM', 'NoResolution'])
  return analysis.problems.filter(({ kind }) => !accepted.has(kind)).map((problem) => JSON.stringify(problem))
})

await check('the tarball holds no sources, tests or fixtures', () => {
  const { out } = run('tar', ['-tzf', tarball])
  return out.split('\n').filter((name) => /\/(src|test|scripts|bench)\//.test(name))
})

for (const native of [true, false]) {
  const place = mkdtempSync(join(folder, native ? 'native-' : 'wasm-'))
  writeFileSync(join(place, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  writeFileSync(join(place, 'program.js'), PROGRAM)
  const label = native ? 'with the native engine' : 'without it'
  await check(`install ${label}`, () => {
    const omit = native ? [] : ['--omit=optional']
    const env = { ONNXRUNTIME_NODE_INSTALL: 'skip' }
    const { status, err } = run('npm', ['install', '--no-audit', '--no-fund', ...omit, tarball], env, place)
    return status === 0 ? [] : [err]
  })
  await check(`a program ${label}`, () => {
    const { status, out, err } = run(process.execPath, ['program.js'], {}, place)
    if (status !== 0) return [err]
    return out.includes(native ? 'loaded native' : 'loaded wasm') ? [] : [`unexpected engine: ${out}`]
  })
  await check(`the command ${label}`, () => {
    const shown = run('npx', ['rekindle', 'show', 'my_model.h5', '--json'], {}, place)
    if (shown.status !== 0) return [shown.err]
    return shown.out.includes('"dense"') ? [] : [shown.out.slice(0, 400)]
  })
  if (!native) {
    await check('the missing engine is said aloud', () => {
      writeFileSync(join(place, 'x.csv'), '1,2,3\n')
      const { status, err } = run('npx', ['rekindle', 'predict', 'my_model.h5', '--input', 'x.csv'], {}, place)
      return status === 0 && err.includes('npm i onnxruntime-node') ? [] : [err || `exit ${status}`]
    })
  }
}

rmSync(folder, { recursive: true, force: true })
console.log(`\n${passed} passed, ${failed} failed, 0 skipped`)
process.exit(failed === 0 ? 0 : 1)
