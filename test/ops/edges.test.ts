import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { AttrsOf, OpName } from '../../src/graph/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients, zeroGradients } from '../../src/passes/index.ts'
import { type Shape, tensor } from '../../src/tensor/index.ts'
import { largestError, numbersOf, runGraph } from './run.ts'

type Numbers = readonly (number | string)[]

interface Edge {
  readonly op: OpName
  readonly attrs: Partial<AttrsOf<OpName>>
  readonly inputs: readonly { readonly shape: Shape; readonly data: Numbers }[]
  readonly output: Numbers
  readonly gradients: readonly (Numbers | null)[]
}

const FIXTURE: { readonly cases: readonly Edge[] } = JSON.parse(
  readFileSync(new URL('../fixtures/ops/edges.json', import.meta.url), 'utf8'),
)

const CASES = FIXTURE.cases.map((one) => ({
  ...one,
  name: `${one.op} of ${one.inputs.map(({ data }) => `[${data}]`)}`,
}))

const plain = (values: Numbers): number[] => values.map((x) => (x === 'inf' ? Number.POSITIVE_INFINITY : Number(x)))

describe('on kinks, ties and borders, as TensorFlow', () => {
  it.each(CASES)('$name', async ({ op, attrs, inputs, output, gradients: expected }) => {
    const b = newBuilder()
    const x = inputs.map(({ shape }, i) => b.input(`x${i}`, 'float32', shape))
    const y = b.op(op, x, attrs)
    const grads = zeroGradients(b, gradients(b, y, x), x)
    const feeds = inputs.map(({ shape, data }, i) => [`x${i}`, tensor(plain(data), { shape, dtype: 'float32' })])
    const [value, ...results] = await runGraph(b.build([y, ...grads]), Object.fromEntries(feeds))
    expect(largestError(numbersOf(value as never), plain(output))).toBeLessThan(1e-6)
    for (const [i, gradient] of results.entries()) {
      const numbers = expected[i] ?? new Array<number>(gradient.size).fill(0)
      expect(largestError(numbersOf(gradient), plain(numbers)), `gradient of input ${i}`).toBeLessThan(1e-6)
    }
  })
})
