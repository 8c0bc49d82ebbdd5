import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { learningRateAt, type ResolvedOptimizer, resolveOptimizer } from '../../../src/nn/optimizers/index.ts'
import type { JsonObject } from '../../../src/nn/types.ts'
import { encodeModel } from '../../../src/onnx/index.ts'
import { newBuilder } from '../../../src/ops/index.ts'
import { clipGradients } from '../../../src/passes/clip.ts'
import { allocateParameters, type ParameterMemory } from '../../../src/runtime/memory.ts'
import { createOptimizerStep, type OptimizerStep, slotFills } from '../../../src/runtime/optimizer-step.ts'
import type { Engine } from '../../../src/runtime/types.ts'
import { Tensor } from '../../../src/tensor/index.ts'

interface Snapshot {
  readonly iteration: number
  readonly parameters: readonly (readonly number[])[]
  readonly slots: readonly (readonly number[])[]
}

/** One run of a real optimizer: its state after some of the steps. */
export interface GoldenRun {
  readonly name: string
  readonly class_name: string
  readonly options: JsonObject
  /** Keras 3's `serialize`; legacy runs have `config` (their `get_config`) instead. */
  readonly serialized?: JsonObject
  readonly config?: JsonObject
  /** What the learning rate is set to before step `new_rate_at`. */
  readonly new_rate?: number
  readonly variables: readonly string[]
  readonly steps: { readonly [step: string]: Snapshot }
}

interface Inputs {
  readonly shapes: readonly (readonly number[])[]
  readonly parameters: readonly (readonly number[])[]
  readonly gradients: readonly (readonly (readonly number[])[])[]
  readonly new_rate_at: number
}

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/optimizers/${name}.json`, import.meta.url), 'utf8')) as T
}

export function goldenRuns(name: string): readonly GoldenRun[] {
  return fixture<{ cases: readonly GoldenRun[] }>(name).cases
}

const INPUTS = fixture<Inputs>('inputs')

/** Everything that a step reads and writes, set to the fixture's start. */
export async function startOptimizer(engine: Engine, resolved: ResolvedOptimizer, useKernel: boolean) {
  const { def, config } = resolved
  const memory = allocateParameters({ shapes: INPUTS.shapes, fills: slotFills(def, config) })
  for (const [i, view] of memory.parameters.entries()) view.set(INPUTS.parameters[i] as number[])
  const step = await createOptimizerStep({ engine, def, config, memory, useKernel })
  return { memory, step }
}

/**
 * Repeats a golden run and compares parameters and slots (in the order of `variables`, relative to 1 + |y|), then the
 * number of updates.
 */
export async function checkOptimizer(
  engine: Engine,
  run: GoldenRun,
  options: {
    readonly useKernel: boolean
    readonly given?: JsonObject
    readonly variables: (r: ResolvedOptimizer) => readonly (readonly [slot: string, weight: number])[]
  },
): Promise<void> {
  let resolved = resolveOptimizer({ class_name: run.class_name, config: options.given ?? run.options })
  const { memory, step } = await startOptimizer(engine, resolved, options.useKernel)
  expect(step.form).toBe(options.useKernel ? 'kernel' : 'graph')
  const clip = await clipper(engine, memory, resolved)
  for (const [index, gradients] of INPUTS.gradients.entries()) {
    if (run.new_rate !== undefined && index + 1 === INPUTS.new_rate_at) {
      resolved = { ...resolved, config: { ...resolved.config, learning_rate: run.new_rate } }
    }
    for (const [i, view] of memory.gradients.entries()) view.set(gradients[i] as number[])
    await clip()
    await step.apply(index + 1, learningRateAt(resolved.config, index))
    const golden = run.steps[index + 1]
    if (golden) compare(`${run.name}, step ${index + 1}`, memory, step, golden, options.variables(resolved))
  }
  await step.close()
}

function compare(
  where: string,
  memory: ParameterMemory,
  step: OptimizerStep,
  golden: Snapshot,
  variables: readonly (readonly [slot: string, weight: number])[],
): void {
  expect(variables.length, where).toBe(golden.slots.length)
  const pairs = [
    ...memory.parameters.map((view, i) => [`weight ${i}`, view, golden.parameters[i]] as const),
    ...variables.map(([slot, i], k) => [`${slot} ${i}`, step.slot(slot, i), golden.slots[k]] as const),
  ]
  for (const [name, ours, theirs] of pairs) {
    expect(ours.length, `${where}, ${name}`).toBe(theirs?.length)
    const worst = Math.max(...Array.from(ours, (x, j) => Math.abs(x - (theirs?.[j] as number)) / (1 + Math.abs(x))))
    expect(worst, `${where}, ${name}: largest difference`).toBeLessThan(1e-6)
  }
}

/** Gradient clipping as the training graph does it; nothing where none is asked for. */
async function clipper(
  engine: Engine,
  memory: ParameterMemory,
  { config }: ResolvedOptimizer,
): Promise<() => Promise<void>> {
  const b = newBuilder()
  const inputs = memory.shapes.map((shape, i) => b.input(`g${i}`, 'float32', shape))
  const clipped = clipGradients(b, inputs, config)
  if (clipped === inputs) return async () => {}
  const session = await engine.open(encodeModel(b.build(clipped)))
  return async () => {
    const feeds = memory.gradients.map((view, i) => [
      `g${i}`,
      new Tensor('float32', memory.shapes[i] as number[], view),
    ])
    const results = await session.run(Object.fromEntries(feeds))
    for (const [i, name] of session.outputs.entries()) memory.gradients[i]?.set(results[name]?.data as Float32Array)
  }
}
