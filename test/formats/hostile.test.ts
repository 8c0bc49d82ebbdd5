import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { planHdf5 } from '../../src/bytes/hdf5/index.ts'
import type { H5WriteDataset, H5WriteGroup } from '../../src/bytes/hdf5/types.ts'
import { memorySource, readAll } from '../../src/bytes/source.ts'
import { openZip, planZip, type ZipInput } from '../../src/bytes/zip/index.ts'
import { RekindleError } from '../../src/errors.ts'
import type { Json, LayerGraph, ModelDoc } from '../../src/formats/doc.ts'
import { open } from '../../src/formats/open.ts'
import { modelBytes } from '../../src/formats/write.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { openFixture, pathOf, weightsOf } from './keras-facts.ts'

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk.slice())
  return Buffer.concat(parts)
}

/** `k3-adam.keras` with another config. */
async function archiveWith(config: Json | string): Promise<Uint8Array> {
  const zip = await openZip(memorySource(readFileSync(pathOf('k3-adam.keras'))))
  const inputs: ZipInput[] = []
  for (const [name, entry] of zip.entries) {
    const text = typeof config === 'string' ? config : JSON.stringify(config)
    inputs.push({
      name,
      bytes: name === 'config.json' ? new TextEncoder().encode(text) : await readAll(await entry.open()),
    })
  }
  return collect(planZip(inputs).chunks())
}

const values = (...shape: number[]): H5WriteDataset => {
  const count = shape.reduce((a, b) => a * b, 1)
  return {
    kind: 'dataset',
    dtype: 'float32',
    shape,
    load: async () => new Tensor('float32', shape, new Float32Array(count).fill(1)),
  }
}

const group = (
  children: { [name: string]: H5WriteGroup | H5WriteDataset },
  attributes: { [name: string]: string | string[] } = {},
): H5WriteGroup => ({
  kind: 'group',
  children: new Map(Object.entries(children)),
  attributes: new Map(Object.entries(attributes)),
})

const sequential = (...layers: Json[]): string =>
  JSON.stringify({ class_name: 'Sequential', config: { name: 's', layers } })
const dense = (name: string, units: Json = 2): Json => ({
  class_name: 'Dense',
  config: { name, units, batch_input_shape: [null, 1] },
})

async function codeOf(produce: () => Promise<unknown>): Promise<string> {
  try {
    await produce()
  } catch (error) {
    if (error instanceof RekindleError) return error.code
    throw error
  }
  return 'nothing was refused'
}

function graphOf(doc: ModelDoc): LayerGraph {
  if (doc.architecture.kind !== 'layers') throw new Error('layers expected')
  return doc.architecture.graph
}

describe('names from a file are keys', () => {
  const NAMES = ['../../etc/passwd', 'a/b', '__proto__', 'constructor', 'toString', 'é ☃', 'a'.repeat(300)]

  it.each(NAMES)('%s', async (name) => {
    const doc = await openFixture('k3-shapes.keras')
    const graph = graphOf(doc)
    const renamed = {
      ...graph,
      layers: graph.layers.map((layer) => (layer.name === 'out' ? { ...layer, name } : layer)),
      calls: graph.calls.map((call) => (call.layer === 'out' ? { ...call, layer: name } : call)),
      outputs: { layer: name, call: 0, output: 0 },
    }
    const moved = new Map([...doc.weights].map(([key, tensor]) => [key.replace(/^out\//, `${name}/`), tensor]))
    const hostile = { ...doc, architecture: { kind: 'layers', graph: renamed } as const, weights: moved }
    for (const format of ['keras', 'h5']) {
      const back = await open(await modelBytes(hostile, format))
      expect([...back.weights.keys()]).toContain(`${name}/kernel`)
      expect(graphOf(back).layers.at(-1)?.name).toBe(name)
    }
    expect(Object.hasOwn(Object.prototype, 'kernel')).toBe(false)
    expect(({} as { [key: string]: unknown }).polluted).toBeUndefined()
  })

  it('a path trick is no name of a zip entry', async () => {
    const doc = await openFixture('tfk-shapes.weights-only.h5')
    const [tensor] = doc.weights.values()
    if (!tensor) throw new Error('a weight expected')
    const hostile = { ...doc, weights: new Map([['../../evil', tensor]]) }
    expect(await codeOf(() => modelBytes(hostile, 'npz'))).toBe('E_UNSAFE_PATH')
  })

  it('two layers of one name are refused', async () => {
    const root = group({ model_weights: group({}) }, { model_config: sequential(dense('a'), dense('a')) })
    expect(await codeOf(async () => open(await collect(planHdf5(root).chunks())))).toBe('E_INVALID_CONFIG')
  })
})

describe('code in a file', () => {
  it.each(['k3-lambda.keras', 'k3-lambda.h5'])('%s: the bytecode is named and carried, never run', async (file) => {
    const doc = await openFixture(file)
    expect(doc.warnings).toContainEqual(expect.objectContaining({ code: 'code-in-file', where: 'twice' }))
    const layer = graphOf(doc).layers.find(({ name }) => name === 'twice')
    expect(layer?.className).toBe('Lambda')
    const back = await open(await modelBytes(doc, file.endsWith('.h5') ? 'h5' : 'keras', { era: 'keras3' }))
    const again = graphOf(back).layers.find(({ name }) => name === 'twice')
    expect(JSON.parse(JSON.stringify(again?.raw)).config).toEqual(JSON.parse(JSON.stringify(layer?.raw)).config)
  })

  it('a Python module is a word', async () => {
    const evil = { module: 'os', class_name: 'system', config: { name: 'evil', command: 'rm' }, registered_name: null }
    const bytes = await archiveWith({
      module: 'keras',
      class_name: 'Sequential',
      config: { name: 's', layers: [evil] },
    })
    const doc = await open(bytes)
    expect(doc.warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(['code-in-file', 'unknown-layer']))
    expect(doc.warnings.find(({ code }) => code === 'code-in-file')?.message).toContain('"os"')
    expect(graphOf(doc).layers[0]?.raw).toMatchObject(evil)
  })

  it('a number keeps its spelling in a layer that is only carried', async () => {
    const doc = await openFixture('k3-custom.keras')
    const zip = await openZip(memorySource(await modelBytes(doc, 'keras')))
    const entry = zip.entries.get('config.json')
    if (!entry) throw new Error('a config expected')
    const config = new TextDecoder().decode(await readAll(await entry.open()))
    expect(config).toContain('"by": 2.0')
  })
})

describe('configs that lie', () => {
  const kept = {
    model_weights: group(
      {
        a: group(
          { a: group({ 'kernel:0': values(1, 2), 'bias:0': values(2) }) },
          { weight_names: ['a/kernel:0', 'a/bias:0'] },
        ),
      },
      { layer_names: ['a'] },
    ),
  }

  it('giant units allocate nothing: the weights are what the file holds', async () => {
    const root = group(kept, { model_config: sequential(dense('a', 1e12)) })
    const doc = await open(await collect(planHdf5(root).chunks()))
    expect((await weightsOf(doc))['a/kernel']?.shape).toEqual([1, 2])
  })

  it.each([
    ['a weight that is listed and absent', { weight_names: ['a/kernel:0', 'a/gone:0'] }],
    ['a weight too few', { weight_names: ['a/kernel:0'] }],
    ['names of two layers at once', { weight_names: ['a/kernel:0', 'a/kernel:0'] }],
  ])('%s is E_INVALID_WEIGHTS', async (_, attributes) => {
    const layer = group({ a: group({ 'kernel:0': values(1, 2), 'bias:0': values(2) }) }, attributes)
    const root = group(
      { model_weights: group({ a: layer }, { layer_names: ['a'] }) },
      { model_config: sequential(dense('a')) },
    )
    expect(await codeOf(async () => open(await collect(planHdf5(root).chunks())))).toBe('E_INVALID_WEIGHTS')
  })

  it('a numbered layer with a variable too many is E_INVALID_WEIGHTS', async () => {
    const bytes = await archiveWith({
      class_name: 'Sequential',
      config: { name: 's', layers: [{ class_name: 'Dense', config: { name: 'a', units: 3, use_bias: false } }] },
    })
    expect(await codeOf(() => open(bytes))).toBe('E_INVALID_WEIGHTS')
  })

  const bad: readonly (readonly [what: string, code: string, config: Json | string])[] = [
    ['no JSON', 'E_INVALID_JSON', '{"class_name": '],
    ['a list', 'E_INVALID_CONFIG', []],
    ['no model', 'E_INVALID_CONFIG', { class_name: 'Dense', config: { units: 3 } }],
    ['a layer without a class', 'E_INVALID_CONFIG', { class_name: 'Sequential', config: { layers: [{ config: {} }] } }],
    ['layers that are no list', 'E_INVALID_CONFIG', { class_name: 'Model', config: { layers: 3, output_layers: [] } }],
    [
      'an output that nobody gives',
      'E_INVALID_CONFIG',
      { class_name: 'Model', config: { layers: [], input_layers: [], output_layers: [['a', 0, 0]] } },
    ],
    [
      'a call number that is none',
      'E_INVALID_CONFIG',
      { class_name: 'Model', config: { layers: [], input_layers: [], output_layers: [['a', -1, 0]] } },
    ],
  ]

  it.each(bad)('%s is %s', async (_, code, config) => {
    const bytes = await archiveWith(config)
    expect(await codeOf(() => open(bytes))).toBe(code)
  })

  it('models nested without end are E_LIMIT', async () => {
    let node: Json = { class_name: 'Sequential', config: { name: 'x', layers: [] } }
    for (let i = 0; i < 200; i++) node = { class_name: 'Sequential', config: { name: `m${i}`, layers: [node] } }
    const bytes = await archiveWith(node)
    expect(await codeOf(() => open(bytes))).toBe('E_LIMIT')
  })
})
