import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Makes `.venv`, the Python environment of the interop tests and fixture scripts, unless it is there and complete. */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, '.venv')
const PYTHON = join(FOLDER, 'bin', 'python')
const STAMP = join(FOLDER, 'rekindle-requirements.txt')

/** Known to install together on Python 3.11. tf-keras asks for a TensorFlow package of another name: without its dependencies. */
const REQUIREMENTS = ['tensorflow-cpu==2.21.0', 'keras==3.15.1', 'h5py==3.14.0', 'onnx==1.23.2', 'onnxruntime==1.32.0']
const WITHOUT_DEPENDENCIES = ['tf-keras==2.21.0']
const WANTED = [...REQUIREMENTS, ...WITHOUT_DEPENDENCIES].join('\n')

function pip(...args: string[]): void {
  const result = spawnSync(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...args], {
    stdio: 'inherit',
  })
  if (result.status !== 0) throw new Error(`pip install ${args.join(' ')} failed`)
}

if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === WANTED) process.exit(0)
process.stderr.write('making the Python environment of the interop tests (about 2 GB, several minutes)\n')
if (!existsSync(PYTHON)) execFileSync(process.env.PYTHON ?? 'python3', ['-m', 'venv', FOLDER], { stdio: 'inherit' })
pip(...REQUIREMENTS)
pip('--no-deps', ...WITHOUT_DEPENDENCIES)
writeFileSync(STAMP, WANTED)
