/**
 * The HDF5 reader against h5py, on the same files in the same run:
 *
 *     npx tsx bench/hdf5.ts
 *
 * Python is `REKINDLE_PYTHON`, else `.venv/bin/python`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPath, writeAtomically } from '#platform'
import { type H5Group, type H5WriteDataset, type H5WriteGroup, openHdf5, planHdf5 } from '../src/bytes/hdf5/index.ts'
import { Tensor } from '../src/tensor/index.ts'

const LAYERS = 2000
const LARGE_VALUES = 50_000_000
const ROUNDS = 7

const PYTHON = `
import h5py, json, sys, time
def listed(group):
    for item in group.values():
        dict(item.attrs)
        if isinstance(item, h5py.Group): listed(item)
        else: (item.shape, item.dtype)
def listing():
    with h5py.File(sys.argv[1], "r") as file: listed(file)
def gzip():
    with h5py.File(sys.argv[3], "r") as file: file["data"][()]
def large():
    with h5py.File(sys.argv[2], "r") as file: file["data"][()]
def best(action):
    times = []
    for _ in range(${ROUNDS}):
        start = time.perf_counter(); action(); times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[len(times) // 2]
import numpy
with h5py.File(sys.argv[3], "w") as file:
    values = numpy.random.default_rng(1).normal(size=(2000, 4000)).astype("float32")
    file.create_dataset("data", data=values, chunks=(200, 400), compression="gzip", shuffle=True)
print(json.dumps({"open and list": best(listing), "load 200 MB": best(large), "load 32 MB gzip": best(gzip)}))
`

function dataset(shape: readonly number[]): H5WriteDataset {
  const size = shape.reduce((product, dim) => product * dim, 1)
  const load = async () =>
    new Tensor(
      'float32',
      shape,
      Float32Array.from({ length: size }, (_, i) => i),
    )
  return { kind: 'dataset', dtype: 'float32', shape, load }
}

/** A file like Keras's own, with many layers. */
function manyLayers(): H5WriteGroup {
  const layers = Array.from({ length: LAYERS }, (_, i): [string, H5WriteGroup] => {
    const children = new Map([
      ['kernel', dataset([4, 4])],
      ['bias', dataset([4])],
    ])
    return [`dense_${i}`, { kind: 'group', attributes: new Map([['weight_names', ['kernel', 'bias']]]), children }]
  })
  return { kind: 'group', attributes: new Map([['model_config', '{}'.repeat(500_000)]]), children: new Map(layers) }
}

async function save(path: string, root: H5WriteGroup): Promise<void> {
  await writeAtomically(path, async (write) => {
    for await (const chunk of planHdf5(root).chunks()) await write(chunk)
  })
}

async function list(group: H5Group): Promise<void> {
  await group.attributes()
  for (const name of (await group.links()).keys()) {
    const member = await group.get(name)
    if (member?.kind === 'group') await list(member)
    else await member?.attributes()
  }
}

/** Opens a file, does something with it, closes it. */
async function withFile(path: string, action: (root: H5Group) => Promise<unknown>): Promise<void> {
  const file = await openPath(path)
  await action((await openHdf5(file)).root)
  await file.close()
}

async function readPlain(path: string): Promise<void> {
  const file = await open(path)
  const { size } = await file.stat()
  await file.read(new Uint8Array(size), 0, size, 0)
  await file.close()
}

async function median(action: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    await action()
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1] as number
}

const folder = mkdtempSync(join(tmpdir(), 'rekindle-bench-'))
const [layers, large, packed] = ['layers.h5', 'large.h5', 'gzip.h5'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
]
try {
  await save(layers, manyLayers())
  await save(large, { kind: 'group', children: new Map([['data', dataset([LARGE_VALUES])]]) })
  const python = process.env.REKINDLE_PYTHON ?? '.venv/bin/python'
  const { stdout, stderr, status } = spawnSync(python, ['-c', PYTHON, layers, large, packed], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const theirs: { [what: string]: number } = JSON.parse(stdout)
  const load = async (root: H5Group) => (await root.dataset('data'))?.read()
  const ours: { [what: string]: number } = {
    'open and list': await median(() => withFile(layers, list)),
    'load 200 MB': await median(() => withFile(large, load)),
    'load 32 MB gzip': await median(() => withFile(packed, load)),
  }
  for (const [what, time] of Object.entries(ours)) {
    const other = theirs[what] as number
    console.log(`${what}: ${time.toFixed(1)} ms, h5py ${other.toFixed(1)} ms, ratio ${(time / other).toFixed(2)}`)
  }
  const plain = await median(() => readPlain(large))
  const ratio = (ours['load 200 MB'] as number) / plain
  console.log(`load 200 MB against reading its bytes: ${plain.toFixed(1)} ms, ratio ${ratio.toFixed(2)}`)
} finally {
  rmSync(folder, { recursive: true })
}
