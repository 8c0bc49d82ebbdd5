import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type H5WriteGroup, openHdf5 } from '../../src/bytes/hdf5/index.ts'
import { type DType, Tensor } from '../../src/tensor/index.ts'
import { counted, datasetOf, fileOf, groupOf, sightOf, sourceOf } from '../bytes/hdf5/support.ts'

const python = process.env.REKINDLE_PYTHON ?? '.venv/bin/python'
const folder = mkdtempSync(join(tmpdir(), 'rekindle-hdf5-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(script: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(python, ['-c', script, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 29,
  })
  if (status !== 0) throw new Error(`${python} failed: ${error?.message ?? stderr}`)
  return stdout
}

const DTYPES: readonly DType[] = [
  ...(['bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'] as const),
  ...(['float16', 'bfloat16', 'float32', 'float64', 'complex64', 'complex128'] as const),
]

/** Prints every dataset and attribute as h5py reads it. */
const LIST = `
import base64, h5py, json, sys
import numpy as np
def value(v):
    if isinstance(v, str): return {"text": v}
    v = np.asarray(v)
    if v.dtype.kind in "OSU": return {"texts": v.ravel().tolist(), "shape": list(v.shape)}
    return {"dtype": str(v.dtype), "shape": list(v.shape), "base64": base64.b64encode(v.tobytes()).decode()}
found = {}
def visit(name, item):
    entry = {"attributes": {k: value(v) for k, v in item.attrs.items()}}
    if isinstance(item, h5py.Dataset): entry["data"] = value(item[()])
    else: entry["members"] = list(item)
    found["/" + name] = entry
with h5py.File(sys.argv[1], "r") as file:
    visit("", file["/"])
    file.visititems(visit)
print(json.dumps(found))
`

describe('h5py reads what we write', () => {
  const members = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`dense_${i}`, groupOf({})]))
  const nested = (levels: number): H5WriteGroup => (levels === 0 ? groupOf({}) : groupOf({ n: nested(levels - 1) }))
  const attributes = {
    text: 'naïve',
    empty: '',
    model_config: '{"class_name": "Sequential", "é": 1.0} '.repeat(150_000),
    list: ['a', '', 'λ'],
    names: Array.from({ length: 4000 }, (_, i) => `layer_${i}`),
    none: [],
    matrix: new Tensor('string', [2, 1], ['p', 'q']),
    truth: counted('bool', []),
    numbers: counted('float64', [2, 3]),
  }
  const root = groupOf(
    {
      ...Object.fromEntries(DTYPES.map((dtype) => [dtype, datasetOf(counted(dtype, [3, 4]), new Map([['a', 'b']]))])),
      scalar: datasetOf(counted('float32', [])),
      zero: datasetOf(counted('int64', [0, 4])),
      'Größe 層': groupOf({ '\u{1f4a1}': datasetOf(counted('int32', [2])) }),
      many: groupOf(members),
      nested: nested(200),
    },
    attributes,
  )
  const path = join(folder, 'written.h5')

  it('with all numbers, texts and names', async () => {
    writeFileSync(path, await fileOf(root))
    const found = JSON.parse(run(LIST, path))
    expect(found['/many'].members.sort()).toEqual(Object.keys(members).sort())
    expect(found[`/nested${'/n'.repeat(200)}`].members).toEqual([])
    const own = found['/'].attributes
    expect(Object.keys(own).sort()).toEqual(Object.keys(attributes).sort())
    for (const name of ['text', 'empty', 'model_config'] as const) expect(own[name]).toEqual({ text: attributes[name] })
    for (const name of ['list', 'names', 'none'] as const) expect(own[name].texts).toEqual(attributes[name])
    expect(own.matrix).toEqual({ texts: ['p', 'q'], shape: [2, 1] })
    expect(own.numbers).toEqual(sightOf(attributes.numbers))
    expect(own.truth).toEqual(sightOf(attributes.truth))
    for (const dtype of DTYPES) {
      const { data, attributes } = found[`/${dtype}`]
      const expected = sightOf(counted(dtype, [3, 4]))
      expect(data).toEqual(dtype === 'bfloat16' ? { ...expected, dtype: '|V2' } : expected)
      expect(attributes).toEqual({ a: { text: 'b' }, ...(dtype === 'bfloat16' && { dtype: { text: dtype } }) })
    }
    expect(found['/scalar'].data).toMatchObject({ dtype: 'float32', shape: [] })
    expect(found['/zero'].data).toMatchObject({ dtype: 'int64', shape: [0, 4] })
    expect(found['/Größe 層/\u{1f4a1}'].data).toEqual(sightOf(counted('int32', [2])))
  })

  it('and may go on writing into it', async () => {
    writeFileSync(path, await fileOf(root))
    run(
      `
import h5py, numpy, sys
with h5py.File(sys.argv[1], "a") as file:
    file.attrs["text"] = "changed"
    file["many/new"] = numpy.arange(3)
    for i in range(0, 5000, 2): del file["many/dense_%d" % i]
    file["float32"][1] = 7
`,
      path,
    )
    const { root: changed } = await openHdf5(sourceOf(new Uint8Array(readFileSync(path))))
    expect((await changed.attributes()).get('text')).toBe('changed')
    expect((await changed.attributes()).get('model_config')).toBe(attributes.model_config)
    expect((await (await changed.group('many'))?.links())?.size).toBe(2501)
    expect((await (await changed.dataset('many/new'))?.read())?.data).toEqual(BigInt64Array.of(0n, 1n, 2n))
    expect((await (await changed.dataset('float32'))?.read())?.toArray()).toEqual([
      [0, 1, 2, 3],
      [7, 7, 7, 7],
      [8, 9, 10, 11],
    ])
  })
})

describe('we read what h5py writes', () => {
  it.each([1, 2, 3])('in random shapes, chunks, filters and library versions (seed %i)', async (seed) => {
    const path = join(folder, `random-${seed}.h5`)
    const listed = run(
      `
import base64, h5py, json, sys
import numpy as np
random = np.random.default_rng(int(sys.argv[2]))
expected = {}
for libver in ["earliest", ("v108", "v108"), ("v110", "v110"), ("v112", "v112"), "latest"]:
    path = sys.argv[1] + "." + "".join(libver)
    with h5py.File(path, "w", libver=libver) as file:
        for i in range(60):
            rank = int(random.integers(1, 5))
            shape = tuple(int(n) for n in random.integers(1, [0, 400, 40, 14, 8][rank] + 1, rank))
            chunks = tuple(int(random.integers(1, n + 1)) for n in shape)
            grow = tuple([None, n, n + int(random.integers(0, 9))][random.integers(0, 3)] for n in shape)
            dtype = str(random.choice(["<f4", ">f8", "<f2", "|u1", "<i8", ">i2", "<c8"]))
            options = dict(shuffle=bool(random.integers(0, 2)), fletcher32=bool(random.integers(0, 2)))
            if random.integers(0, 2): options["compression"] = int(random.integers(0, 10))
            data = random.integers(0, 100, shape).astype(dtype)
            if random.integers(0, 2): file.create_dataset(f"d{i}", data=data, chunks=chunks, maxshape=grow, **options)
            else: file.create_dataset(f"d{i}", data=data)
            little = data.astype(data.dtype.newbyteorder("<"))
            expected[f"{path}:d{i}"] = [list(shape), base64.b64encode(little.tobytes()).decode()]
            text = "t" * int(random.integers(0, 90000)) if libver != "earliest" else "short"
            file.attrs[f"a{i}"] = text
            expected[f"{path}@a{i}"] = text
            if libver != "earliest":
                file.attrs[f"n{i}"] = np.full(int(random.integers(1, 20000)), i)
                expected[f"{path}#n{i}"] = len(file.attrs[f"n{i}"])
print(json.dumps(expected))
`,
      path,
      String(seed),
    )
    const roots = new Map<string, Awaited<ReturnType<typeof openHdf5>>['root']>()
    const rootOf = async (path: string) => {
      const root = roots.get(path) ?? (await openHdf5(sourceOf(new Uint8Array(readFileSync(path))))).root
      roots.set(path, root)
      return root
    }
    const entries = Object.entries<string | number | [number[], string]>(JSON.parse(listed))
    expect(entries.length).toBeGreaterThan(600)
    for (const [key, expected] of entries) {
      const [, path, kind, name] = /^(.*)([:@#])(\w+)$/.exec(key) as unknown as [string, string, string, string]
      const root = await rootOf(path)
      if (kind === ':') {
        const tensor = await (await root.dataset(name))?.read()
        expect(tensor?.shape, key).toEqual((expected as [number[], string])[0])
        expect(tensor && sightOf(tensor).base64, key).toBe((expected as [number[], string])[1])
      } else {
        const value = (await root.attributes()).get(name)
        if (kind === '@') expect(value, key).toBe(expected)
        else expect((value as Tensor).size, key).toBe(expected)
      }
    }
  })
})
