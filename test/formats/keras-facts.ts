import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Json, LazyTensor, ModelDoc } from '../../src/formats/doc.ts'
import { open } from '../../src/formats/open.ts'

/** The facts that `scripts/fixtures/keras_files.py` took from the live model. */

export interface ArrayFacts {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

export interface LayerFacts {
  readonly name: string
  readonly class_name: string
  readonly trainable: boolean
  readonly layers?: readonly LayerFacts[]
}

export interface FileFacts {
  readonly file: string
  readonly sha256: string
  readonly versions: { readonly [name: string]: string }
  readonly contains: 'model' | 'weights'
  readonly layers: readonly LayerFacts[]
  readonly weights: { readonly [key: string]: ArrayFacts }
  readonly trainable: readonly string[]
  readonly optimizer?: {
    readonly class_name: string
    readonly legacy: boolean
    readonly learning_rate: number
    readonly config: { readonly [key: string]: Json }
    readonly iterations: number
    readonly slots: readonly ({ readonly weight: string; readonly slot: string } & ArrayFacts)[]
  }
  /** A list of outputs, or a dictionary. */
  readonly predictions?: readonly ArrayFacts[] | { readonly [output: string]: ArrayFacts }
  /** What the uninterrupted live model did in the next epochs. */
  readonly continued?: { readonly history: { readonly [name: string]: readonly number[] } }
  readonly rewritten_from?: string
}

const FOLDER = fileURLToPath(new URL('../fixtures/keras/', import.meta.url))

/** Names of all model files. */
export const FILES: readonly string[] = readdirSync(FOLDER)
  .filter((name) => !name.endsWith('.json'))
  .sort()

export function pathOf(file: string): string {
  return FOLDER + file
}

/** A fixture opened from memory: nothing to close. */
export function openFixture(file: string): Promise<ModelDoc> {
  return open(readFileSync(pathOf(file)))
}

export function factsOf(file: string): FileFacts {
  return JSON.parse(readFileSync(`${FOLDER}${basename(file)}.json`, 'utf8')) as FileFacts
}

export async function arrayOf(tensor: LazyTensor): Promise<ArrayFacts> {
  const { dtype, shape, data } = await tensor.load()
  return { dtype, shape, values: Array.from(data as ArrayLike<number | bigint>, Number) }
}

export async function weightsOf(doc: ModelDoc): Promise<{ [key: string]: ArrayFacts }> {
  const entries: [string, ArrayFacts][] = []
  for (const [key, tensor] of doc.weights) entries.push([key, await arrayOf(tensor)])
  return Object.fromEntries(entries)
}

export async function slotsOf(doc: ModelDoc): Promise<({ weight: string | null; slot: string } & ArrayFacts)[]> {
  const slots = []
  for (const { weight, slot, value } of doc.training?.slots ?? [])
    slots.push({ weight, slot, ...(await arrayOf(value)) })
  return slots.sort((a, b) => (`${a.slot} ${a.weight}` < `${b.slot} ${b.weight}` ? -1 : 1))
}
