import { expect } from 'vitest'
import { memorySource } from '../../src/bytes/source.ts'
import type { WriteOptions } from '../../src/formats/codec.ts'
import { CODECS } from '../../src/formats/codecs.ts'
import type { ModelDoc } from '../../src/formats/doc.ts'
import { claims, open, probe } from '../../src/formats/open.ts'
import { modelBytes } from '../../src/formats/write.ts'
import { slotsOf, weightsOf } from './keras-facts.ts'

/** One way to write a model, and what of it survives there. */
interface Form {
  readonly format: string
  readonly era?: WriteOptions['era']
  readonly needsLayers: boolean
  readonly keepsModel: boolean
}

const FORMS: readonly Form[] = [
  { format: 'keras', needsLayers: true, keepsModel: true },
  { format: 'h5', era: 'common', needsLayers: false, keepsModel: true },
  { format: 'h5', era: 'keras2', needsLayers: false, keepsModel: true },
  { format: 'h5', era: 'keras3', needsLayers: false, keepsModel: true },
  { format: 'weights.h5', needsLayers: true, keepsModel: false },
  { format: 'npz', needsLayers: false, keepsModel: false },
]

export interface CheckOptions {
  /** The model holds layers of unknown classes: some forms know their weights by number only. */
  readonly unknownLayers?: boolean
}

/**
 * Everything that holds for every codec: exactly one claims the bytes; what is written in each form reads back equal
 * (architecture, weights, optimizer slots, settings); writing twice gives the same bytes.
 */
export async function checkCodec(bytes: Uint8Array, name: string, options: CheckOptions = {}): Promise<ModelDoc> {
  const file = probe(memorySource(bytes, name))
  const claiming = []
  for (const codec of CODECS) if (await claims(codec, file)) claiming.push(codec.id)
  expect(claiming, `codecs that claim ${name}`).toHaveLength(1)
  const doc = await open(bytes)
  expect(doc.format).toBe(claiming[0])
  const { kind } = doc.architecture
  for (const form of FORMS) {
    if (form.needsLayers && kind !== 'layers') continue
    if (form.format === 'npz' && doc.weights.size === 0) continue
    await checkForm(doc, form, `${name} as ${form.format} ${form.era ?? ''}`, options)
  }
  return doc
}

async function checkForm(doc: ModelDoc, form: Form, label: string, { unknownLayers }: CheckOptions): Promise<void> {
  const writeOptions = form.era ? { era: form.era } : {}
  const written = await modelBytes(doc, form.format, writeOptions)
  expect(Buffer.compare(written, await modelBytes(doc, form.format, writeOptions)), `${label}, twice`).toBe(0)
  const back = await open(written)
  if (!form.keepsModel || doc.architecture.kind !== 'layers') {
    expect(back.architecture.kind, label).toBe('weights')
    expect(await valuesOf(back), label).toEqual(await valuesOf(doc))
    return
  }
  expect(structureOf(back), label).toEqual(structureOf(doc))
  if (unknownLayers) {
    expect(await valuesOf(back), label).toEqual(await valuesOf(doc))
    return
  }
  expect(await weightsOf(back), label).toEqual(await weightsOf(doc))
  expect([...back.weights.keys()], `${label}, order`).toEqual([...doc.weights.keys()])
  expect(await slotsOf(back), label).toEqual(await slotsOf(doc))
  expect(settingsOf(back), label).toEqual(settingsOf(doc))
}

/** The weights as a set of values: what forms without a model promise. */
async function valuesOf(doc: ModelDoc): Promise<string[]> {
  return Object.values(await weightsOf(doc))
    .map((value) => JSON.stringify(value))
    .sort()
}

/** Not every form notes the shapes that layers were built with, nor the file's own wrapping of carried layers. */
const NOT_COMPARED = new Set(['buildConfig', 'raw', 'module', 'registeredName'])

export function structureOf(doc: ModelDoc): unknown {
  return plain(doc.architecture)
}

export function settingsOf(doc: ModelDoc): unknown {
  if (!doc.training) return null
  const { compile, iterations, run } = doc.training
  return plain({ compile, iterations, run })
}

function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (key, item) => {
    if (NOT_COMPARED.has(key)) return undefined
    return Number.isNaN(item) ? 'NaN' : item
  })
  return JSON.parse(text)
}
