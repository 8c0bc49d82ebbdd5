import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { planHdf5 } from '../../src/bytes/hdf5/index.ts'
import { memorySource, type Source } from '../../src/bytes/source.ts'
import { planZip } from '../../src/bytes/zip/index.ts'
import { RekindleError } from '../../src/errors.ts'
import type { ModelDoc } from '../../src/formats/doc.ts'
import { open } from '../../src/formats/open.ts'
import { codecForWriting, modelBytes, writeModel } from '../../src/formats/write.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { openFixture, pathOf } from './keras-facts.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk.slice())
  return Buffer.concat(parts)
}

async function refusal(bytes: Uint8Array): Promise<RekindleError> {
  try {
    await open(bytes)
  } catch (error) {
    if (error instanceof RekindleError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const whole = readFileSync(pathOf('k3-adam.h5'))
const archive = readFileSync(pathOf('k3-adam.keras'))
const emptyGroup = { kind: 'group', children: new Map() } as const
const dataset = {
  kind: 'dataset',
  dtype: 'float32',
  shape: [1],
  load: async () => new Tensor('float32', [1], new Float32Array(1)),
} as const

const NOT_MODELS: readonly (readonly [what: string, bytes: () => Uint8Array | Promise<Uint8Array>])[] = [
  ['an empty file', () => new Uint8Array(0)],
  ['a Git LFS pointer', () => text('version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n')],
  ['an HTML page', () => text('\n<!DOCTYPE html>\n<html><body>404</body></html>')],
  ['a PNG image', () => Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13)],
  ['a Python pickle', () => Uint8Array.of(0x80, 4, 0x95, 0, 0)],
  ['a JSON text', () => text('{"class_name": "Sequential"}')],
  ['a plain text', () => text('dear reader,\nthis is no model: é\n')],
  ['an unknown binary file of 9 bytes', () => Uint8Array.of(1, 2, 3, 0, 255, 254, 9, 0, 1)],
  ['an HDF5 file that is empty', () => collect(planHdf5(emptyGroup).chunks())],
  [
    'an HDF5 file without a model (it holds "data")',
    () => collect(planHdf5({ kind: 'group', children: new Map([['data', dataset]]) }).chunks()),
  ],
  [
    'a zip archive without a model (it holds "a.txt")',
    () => collect(planZip([{ name: 'a.txt', bytes: text('x') }]).chunks()),
  ],
  ['a PyTorch file', () => collect(planZip([{ name: 'model/data.pkl', bytes: text('x') }]).chunks())],
  ['a truncated HDF5 file', () => whole.subarray(0, 60)],
  ['a damaged zip archive', () => archive.subarray(0, archive.length - 200)],
]

describe('open', () => {
  it.each(NOT_MODELS)('says that this is %s', async (what, bytes) => {
    const error = await refusal(await bytes())
    expect(error.code).toBe('E_NOT_A_MODEL')
    expect(error.message).toContain(`this is ${what}`)
    expect(error.message).toContain('expected a saved model')
  })

  it('names a file that is not there', async () => {
    await expect(open('nowhere/model.h5')).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND' })
  })

  it('every cut of a file is an error of ours or leaves only weights that cannot be loaded', async () => {
    for (const file of [whole, archive]) {
      for (let length = 0; length < file.length; length += 997) {
        try {
          const doc = await open(file.subarray(0, length))
          for (const tensor of doc.weights.values()) await tensor.load()
        } catch (error) {
          if (!(error instanceof RekindleError)) throw error
        }
      }
    }
  })

  it('reads no weight data before it is asked for', async () => {
    const doc = await bigDoc()
    for (const format of ['h5', 'keras', 'npz']) {
      const source = counting(await modelBytes(doc, format))
      const opened = await open(source)
      expect([...opened.weights.keys()]).toEqual(['dense/kernel', 'dense/bias'])
      expect(source.bytesRead, format).toBeLessThan(300_000)
      const kernel = await opened.weights.get('dense/kernel')?.load()
      expect(kernel?.shape).toEqual([1000, 1000])
      expect(source.bytesRead, format).toBeGreaterThan(4_000_000)
    }
  })
})

/** A Dense layer of 4 MB. */
async function bigDoc(): Promise<ModelDoc> {
  const doc = await openFixture('k3-unbuilt.keras')
  if (doc.architecture.kind !== 'layers') throw new Error('layers expected')
  const config = { units: 1000 }
  const layer = { className: 'Dense', name: 'dense', trainable: true, config }
  const input = {
    className: 'InputLayer',
    name: 'x',
    trainable: true,
    config: { batch_shape: [null, 1000], dtype: 'float32' },
  }
  const zeros = (shape: number[]) => {
    const tensor = new Tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)))
    return { dtype: tensor.dtype, shape, load: async () => tensor }
  }
  const x = { layer: 'x', call: 0, output: 0 }
  return {
    ...doc,
    architecture: {
      kind: 'layers',
      graph: {
        kind: 'sequential',
        className: 'Sequential',
        name: 'big',
        layers: [input, layer],
        calls: [
          { layer: 'x', args: [], kwargs: {} },
          { layer: 'dense', args: [{ tensor: x }], kwargs: {} },
        ],
        inputs: x,
        outputs: { ...x, layer: 'dense' },
      },
    },
    weights: new Map([
      ['dense/kernel', zeros([1000, 1000])],
      ['dense/bias', zeros([1000])],
    ]),
  }
}

function counting(bytes: Uint8Array): Source & { bytesRead: number } {
  const inner = memorySource(bytes)
  const source = {
    name: 'counted',
    size: inner.size,
    bytesRead: 0,
    async read(offset: number, length: number) {
      source.bytesRead += length
      return inner.read(offset, length)
    },
  }
  return source
}

describe('writeModel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'formats-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([
    ['model.keras', 'keras'],
    ['model.h5', 'keras-h5'],
    ['MODEL.HDF5', 'keras-h5'],
    ['model.weights.h5', 'keras-weights-h5'],
    ['weights.npz', 'npz'],
  ])('%s is written as %s', (path, id) => {
    expect(codecForWriting(path).id).toBe(id)
  })

  it('an extension that nobody writes is named, with those that are', () => {
    expect(() => codecForWriting('model.xyz')).toThrow(/model\.xyz.*expected \.keras, \.weights\.h5, \.h5/)
    expect(codecForWriting('model.xyz', 'h5').id).toBe('keras-h5')
  })

  it('writes files that open again', async () => {
    const doc = await openFixture('k3-adam.keras')
    const path = join(folder, 'a.h5')
    await writeModel(doc, path)
    expect(readFileSync(path)).toEqual(Buffer.from(await modelBytes(doc, 'h5')))
  })

  it('leaves the old file whole when the weights cannot be read', async () => {
    const doc = await openFixture('k3-adam.keras')
    const path = join(folder, 'old.keras')
    writeFileSync(path, 'precious')
    const broken = async (): Promise<never> => {
      throw new RekindleError('E_TRUNCATED', 'gone')
    }
    const weights = new Map([...doc.weights].map(([key, tensor]) => [key, { ...tensor, load: broken }]))
    await expect(writeModel({ ...doc, weights }, path)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  it('weights alone need no model in .h5 and .npz, and one in the others', async () => {
    const doc = await openFixture('tfk-norm.weights-only.h5')
    await expect(modelBytes(doc, 'keras')).rejects.toMatchObject({ code: 'E_UNSUPPORTED_FORMAT' })
    await expect(modelBytes(doc, 'weights.h5')).rejects.toMatchObject({ code: 'E_UNSUPPORTED_FORMAT' })
    const model = await openFixture('tfk-norm.keras')
    const alone = await open(await modelBytes(model, 'h5', { weightsOnly: true }))
    expect(alone.architecture.kind).toBe('weights')
    expect([...alone.weights.keys()]).toEqual([...model.weights.keys()])
  })
})
