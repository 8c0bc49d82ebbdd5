import { describe, expect, it } from 'vitest'
import {
  type OptimizerConfig,
  optimizerVariables,
  type ResolvedOptimizer,
  resolveOptimizer,
  serializeLegacyOptimizer,
  serializeOptimizer,
} from '../../../src/nn/optimizers/index.ts'
import type { JsonObject } from '../../../src/nn/types.ts'
import { loadEngine } from '../../../src/runtime/node.ts'
import { checkOptimizer, type GoldenRun, goldenRuns } from './check-optimizer.ts'

const FORMS = [
  { form: 'SIMD kernel', useKernel: true },
  { form: 'in-graph form', useKernel: false },
]

/** Keras numbers a second optimizer of a class (`adam_3`); a name is the user's affair. */
const withoutName = ({ name: _, ...config }: JsonObject): JsonObject => config

const byKeras3 = (resolved: ResolvedOptimizer) =>
  optimizerVariables(resolved, 2).map(({ slot, weight }) => [slot, weight] as const)

/** Keras 2's legacy order: one slot of all weights, then the next. */
const byLegacy = ({ def, config }: ResolvedOptimizer) =>
  def.slots(config).flatMap((group) => group.flatMap(({ name }) => [0, 1].map((weight) => [name, weight] as const)))

describe.each(['sgd', 'rmsprop', 'adagrad', 'adam'])('%s as Keras 3 runs it', (file) => {
  describe.each(goldenRuns(file))('$name', (run) => {
    it.each(FORMS)('$form: 20 steps', async ({ useKernel }) => {
      await checkOptimizer(await loadEngine(), run, { useKernel, variables: byKeras3 })
    })

    it('writes the same config, keys in the same order', () => {
      const resolved = resolveOptimizer({ class_name: run.class_name, config: currentOptions(run) })
      const ours = serializeOptimizer(resolved)
      const theirs = run.serialized as JsonObject
      expect({ ...ours, config: withoutName(ours.config as JsonObject) }).toEqual({
        ...theirs,
        config: withoutName(theirs.config as JsonObject),
      })
      expect(Object.keys(ours.config as JsonObject)).toEqual(Object.keys(theirs.config as JsonObject))
      const again = resolveOptimizer({ class_name: String(theirs.class_name), config: theirs.config as JsonObject })
      expect(serializeOptimizer(again)).toEqual(theirs)
    })

    it("has Keras's variables in Keras's order", () => {
      const resolved = resolveOptimizer({ class_name: run.class_name, config: run.options })
      const names = run.variables.slice(2).map((path) => path.slice(path.indexOf('/') + 1))
      expect(optimizerVariables(resolved, 2).map(({ slot, weight }) => `w${weight}_${slot}`)).toEqual(names)
    })
  })
})

function currentOptions(run: GoldenRun): JsonObject {
  return run.new_rate === undefined ? run.options : { ...run.options, learning_rate: run.new_rate }
}

describe("tf_keras's legacy optimizers", () => {
  describe.each(goldenRuns('legacy'))('$name', (run) => {
    it.each(FORMS)('$form: 20 steps', async ({ useKernel }) => {
      const given = { ...run.config, legacy: true }
      await checkOptimizer(await loadEngine(), run, { useKernel, given, variables: byLegacy })
    })

    it('writes the same legacy config', () => {
      const { def, config } = resolveOptimizer({ class_name: run.class_name, config: { ...run.config, legacy: true } })
      expect(serializeLegacyOptimizer({ def, config })).toEqual({ class_name: run.class_name, config: run.config })
      expect(Object.keys(run.config as JsonObject)).toEqual(
        Object.keys((serializeLegacyOptimizer({ def, config }) as { config: OptimizerConfig }).config),
      )
    })
  })
})
