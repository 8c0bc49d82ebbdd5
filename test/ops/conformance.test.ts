import { describe, expect, it } from 'vitest'
import type { Dim, OpDef, OpName, Type, Value } from '../../src/graph/index.ts'
import { newBuilder, OPS } from '../../src/ops/index.ts'
import { DTYPES, type Tensor } from '../../src/tensor/index.ts'
import { type NodeCase, readNodeCases } from './node-cases.ts'
import { largestError, numbersOf, runGraph } from './run.ts'

const CASES = readNodeCases()

/** Rounding of the dtype, with room for another order of sums. */
function tolerance(dtype: Tensor['dtype']): number {
  if (dtype === 'float16') return 5e-3
  return DTYPES[dtype].kind === 'float' ? 1e-5 : 0
}

function definition(op: OpName): OpDef {
  return OPS[op] as unknown as OpDef
}

function attributesOf({ op, attrs }: NodeCase): NodeCase['attrs'] {
  return { ...definition(op).attrs, ...attrs } as NodeCase['attrs']
}

function outputCount({ places }: NodeCase): number {
  return Math.max(...places) + 1
}

function expectTypes(found: readonly Type[], { op, places, outputs }: NodeCase): void {
  const types = places.map((place) => found[place])
  // How many elements are not zero is known at run time only.
  const known = (dim: Dim, n: number, axis: number): Dim =>
    dim === '?' && op === 'NonZero' ? (outputs[n]?.shape[axis] ?? dim) : dim
  expect(
    types.map((type, n) => type && { dtype: type.dtype, shape: type.shape.map((dim, axis) => known(dim, n, axis)) }),
  ).toEqual(outputs.map(({ dtype, shape }) => ({ dtype, shape })))
}

/** Sizes by name, so that equal sizes have equal names: `s3` is 3. */
function nameSizes(shape: readonly number[]): readonly Dim[] {
  return shape.map((size) => (size > 1 ? `s${size}` : size))
}

/** The number that a polynomial over such names stands for; undefined for an unknown size. */
function evaluate(dim: Dim): number | undefined {
  if (typeof dim === 'number') return dim
  if (dim === '?') return undefined
  const factor = (text: string): number => Number(text.replace(/^s/, ''))
  return dim
    .split('+')
    .map((term) =>
      term
        .split('*')
        .map(factor)
        .reduce((a, b) => a * b),
    )
    .reduce((a, b) => a + b)
}

/**
 * The outputs of the engine. Short integers that follow the first input are shapes, axes and the like: constants of
 * the graph.
 */
async function runCase(one: NodeCase): Promise<readonly Tensor[]> {
  const { op, inputs, attrs, places, graph } = one
  if (graph)
    return runGraph(graph, Object.fromEntries(graph.inputs.map((value, n) => [value.name, inputs[n] as Tensor])))
  const b = newBuilder()
  const feeds: Record<string, Tensor> = {}
  const values = inputs.map((x, n): Value | null => {
    if (!x) return null
    if (n > 0 && DTYPES[x.dtype].kind === 'int' && x.shape.length <= 1) return b.constant(x)
    feeds[`x${n}`] = x
    return b.input(`x${n}`, x.dtype, x.shape)
  })
  const y = b.ops(op, values, attrs, outputCount(one))
  return runGraph(b.build(places.map((place) => y[place] as Value)), feeds)
}

describe.each([...new Set(CASES.map(({ op }) => op))])('%s', (op) => {
  const cases = CASES.filter((one) => one.op === op)

  it.each(cases)('infers, folds and runs $name', async (one) => {
    const { inputs, outputs, places, engine } = one
    const def = definition(op)
    const attrs = attributesOf(one)
    const operands = inputs.map((x) => x && { dtype: x.dtype, shape: x.shape, constant: x })
    expectTypes(def.infer(operands, attrs, outputCount(one)), one)

    const folded = def.fold?.(inputs, attrs)
    if (folded) {
      for (const [n, x] of outputs.entries()) {
        const result = folded[places[n] as number] as Tensor
        expect(result.dtype).toBe(x.dtype)
        expect(result.shape).toEqual(x.shape)
        expect(largestError(numbersOf(result), numbersOf(x))).toBeLessThanOrEqual(tolerance(x.dtype))
      }
    }
    if (engine !== undefined) return

    const results = await runCase(one)
    for (const [n, x] of outputs.entries()) {
      const result = results[n] as Tensor
      expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype: x.dtype, shape: x.shape })
      expect(largestError(numbersOf(result), numbersOf(x))).toBeLessThanOrEqual(tolerance(x.dtype))
    }
  })

  it.each(cases)('infers symbolic sizes of $name', (one) => {
    const { inputs, outputs, places } = one
    const operands = inputs.map((x, n) => {
      if (!x) return null
      const constant = n > 0 || op === 'ConstantOfShape' || op === 'Range' ? x : undefined
      return { dtype: x.dtype, shape: constant ? x.shape : nameSizes(x.shape), constant }
    })
    const types = definition(op).infer(operands, attributesOf(one), outputCount(one))
    for (const [n, x] of outputs.entries()) {
      const { shape } = types[places[n] as number] as Type
      expect(shape.length).toBe(x.shape.length)
      for (const [axis, dim] of shape.entries()) expect([undefined, x.shape[axis]]).toContain(evaluate(dim))
    }
  })
})

/** Operators without a case: theirs are too large (Erf, Mish) or about sequences of tensors (Loop). */
const TESTED_ELSEWHERE: readonly string[] = ['Erf', 'Mish', 'Loop']

describe('without any content', () => {
  it.each(CASES)('infers $name or asks for what is missing', (one) => {
    const operands = one.inputs.map((x) => x && { dtype: x.dtype, shape: x.shape })
    try {
      const types = definition(one.op).infer(operands, attributesOf(one), outputCount(one))
      for (const [n, x] of one.outputs.entries()) {
        const { dtype, shape } = types[one.places[n] as number] as Type
        expect(dtype).toBe(x.dtype)
        expect(shape.length).toBe(x.shape.length)
        for (const [axis, dim] of shape.entries()) expect(['?', x.shape[axis]]).toContain(dim)
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'E_INVALID_SHAPE', message: expect.stringMatching(/constant axes/) })
    }
  })
})

describe('the fixture', () => {
  it('has a case for every operator of the table', () => {
    const seen = new Set(CASES.map(({ op }) => op))
    expect(Object.keys(OPS).filter((op) => !seen.has(op as OpName))).toEqual(TESTED_ELSEWHERE)
  })

  it('runs nearly all of them', () => {
    expect(CASES.filter(({ engine }) => engine === undefined).length / CASES.length).toBeGreaterThan(0.98)
  })
})
