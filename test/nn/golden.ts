import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Builder, Value } from '../../src/graph/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { type DType, Tensor, tensor } from '../../src/tensor/index.ts'
import { runGraph } from '../passes/run-graph.ts'

/** Numbers as the fixture script spells them: what JSON has no number for is a string. */
export type Numbers = number | string | readonly Numbers[]

export interface GoldenTensor {
  readonly dtype: 'float32' | 'int32' | 'bool'
  readonly shape: readonly number[]
  readonly data: readonly (number | boolean | string)[]
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/nn/${name}.json`, import.meta.url), 'utf8')) as T
}

export function toTensor({ dtype, shape, data }: GoldenTensor): Tensor {
  return tensor(data.map(Number), { dtype: dtype as DType, shape })
}

function flatten(values: Numbers): number[] {
  if (typeof values === 'object') return values.flatMap(flatten)
  return [
    typeof values === 'string' ? ({ nan: Number.NaN, inf: Infinity, '-inf': -Infinity }[values] ?? Number.NaN) : values,
  ]
}

/** Within `tolerance` of 1 + |expected|, everywhere. */
export function expectClose(actual: ArrayLike<number>, expected: Numbers, what: string, tolerance = 2e-5): void {
  const wanted = flatten(expected)
  expect(actual.length, `${what}: number of values`).toBe(wanted.length)
  wanted.forEach((want, i) => {
    const got = Number(actual[i])
    const same = Object.is(got, want) || Math.abs(got - want) <= tolerance * (1 + Math.abs(want))
    if (!same) expect.fail(`${what}: value ${i} is ${got}, not ${want}`)
  })
}

/** Writes a graph whose inputs are the given tensors, runs it and gives its outputs. */
export async function evaluate<K extends string>(
  feeds: Readonly<Record<K, Tensor>>,
  build: (b: Builder, x: Readonly<Record<K, Value>>) => readonly Value[],
): Promise<readonly Tensor[]> {
  const b = newBuilder()
  const names = Object.keys(feeds) as K[]
  const inputs = names.map((name) => [name, b.input(name, feeds[name].dtype, feeds[name].shape)] as const)
  // Distinct outputs, whatever the formula gives: a constant, an input or one value twice.
  const outputs = build(b, Object.fromEntries(inputs) as Record<K, Value>).map((value) => b.op('Identity', [value]))
  return runGraph(b.build(outputs), feeds)
}

export function numbersOf(result: Tensor | undefined): ArrayLike<number> {
  if (result === undefined) throw new Error('a result is missing')
  return result.data as ArrayLike<number>
}

export function scalars(...values: number[]): Tensor {
  return new Tensor('float32', [values.length], Float32Array.from(values))
}
