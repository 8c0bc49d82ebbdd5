import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { newBuilder } from '../../src/ops/index.ts'
import { type ClipSettings, clipGradients } from '../../src/passes/index.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { runGraph } from './run-graph.ts'

interface Case {
  readonly settings: ClipSettings
  readonly gradients: readonly (readonly (number | string)[])[]
  readonly clipped: readonly (readonly (number | string)[])[]
}

const { shapes, cases } = JSON.parse(
  readFileSync(new URL('../fixtures/passes/clip.json', import.meta.url), 'utf8'),
) as { readonly shapes: readonly (readonly number[])[]; readonly cases: readonly Case[] }

describe('clipGradients', () => {
  it.each(cases)('clips as Keras does: $settings', async ({ settings, gradients, clipped }) => {
    const b = newBuilder()
    const inputs = shapes.map((shape, i) => b.input(`g${i}`, 'float32', shape))
    const graph = b.build(clipGradients(b, inputs, settings))
    const feeds = shapes.map((shape, i) => {
      const values = (gradients[i] ?? []).map(Number)
      return [`g${i}`, new Tensor('float32', shape, Float32Array.from(values))] as const
    })
    const results = await runGraph(graph, Object.fromEntries(feeds))
    for (const [i, expected] of clipped.entries()) {
      const actual = Array.from(results[i]?.data as Float32Array)
      for (const [at, text] of expected.entries()) {
        const [value, target] = [actual[at] as number, Number(text)]
        if (Number.isFinite(target)) expect(value).toBeCloseTo(target, 6)
        else expect(value).toBe(target)
      }
    }
  })

  it('leaves gradients alone when nothing is set', () => {
    const b = newBuilder()
    const grads = [b.input('g', 'float32', [2])]
    expect(clipGradients(b, grads, { clipnorm: null, clipvalue: 0 })).toBe(grads)
    expect(b.nodes).toHaveLength(0)
  })

  it('refuses more than one setting', () => {
    const b = newBuilder()
    expect(() => clipGradients(b, [b.input('g', 'float32', [2])], { clipnorm: 1, clipvalue: 1 })).toThrow(
      expect.objectContaining({ code: 'E_INVALID_ARGUMENT', message: expect.stringMatching(/clipnorm, clipvalue/) }),
    )
  })
})
