import { describe, expect, it } from 'vitest'
import { constraintRegistry } from '../../src/nn/constraints.ts'
import { initializerRegistry, initializers } from '../../src/nn/initializers/index.ts'
import { losses, lossRegistry } from '../../src/nn/losses/index.ts'
import { metricRegistry, metrics } from '../../src/nn/metrics/index.ts'
import { configFromOptions, toCamelCase, toPascalCase, toSnakeCase } from '../../src/nn/naming.ts'
import type { Registry, Row } from '../../src/nn/registry.ts'
import { regularizerRegistry } from '../../src/nn/regularizers.ts'
import type { JsonObject } from '../../src/nn/types.ts'
import { readGolden } from './golden.ts'

interface Serialized {
  readonly module: string
  readonly class_name: string
  readonly config: JsonObject
  readonly registered_name: null
}

interface Golden {
  readonly objects: readonly Serialized[]
  readonly names: Readonly<Record<string, readonly string[]>>
  readonly snake_case: Readonly<Record<string, string>>
}

const golden = readGolden<Golden>('serialized')
const REGISTRIES: Readonly<Record<string, Registry<Row>>> = {
  initializers: initializerRegistry,
  regularizers: regularizerRegistry,
  constraints: constraintRegistry,
  losses: lossRegistry,
  metrics: metricRegistry,
}
const registryOf = (module: string) => REGISTRIES[module.replace('keras.', '')] as Registry<Row>

describe('serialisation', () => {
  for (const object of golden.objects) {
    it(`${object.class_name} ${JSON.stringify(object.config)}`, () => {
      const registry = registryOf(object.module)
      expect(registry.serialize(object)).toEqual(object)
      expect(JSON.stringify(registry.serialize(object))).toBe(JSON.stringify(object))
      const { def, config, common } = registry.resolve(object)
      expect(registry.resolve({ class_name: def.className, config: { ...config, ...common } }).config).toEqual(config)
    })
  }

  it('has a golden object for every record', () => {
    for (const registry of Object.values(REGISTRIES)) {
      const written = golden.objects.filter((object) => registryOf(object.module) === registry).map((o) => o.class_name)
      const missing = registry.rows.map((row) => row.className).filter((name) => !written.includes(name))
      expect(
        missing.filter((name) => name !== 'L1'),
        registry.kind,
      ).toEqual([])
    }
  })

  it('leaves out what Keras 2 refuses', () => {
    expect(initializerRegistry.serializeLegacy('glorot_uniform')).toEqual({
      class_name: 'GlorotUniform',
      config: { seed: null },
    })
    const axes = initializers.heNormal({ inputAxes: [0], outputAxes: [1] })
    expect(initializerRegistry.serializeLegacy(axes)?.config).toEqual({ seed: null, input_axes: [0], output_axes: [1] })
    expect(lossRegistry.serializeLegacy(losses.hinge())).toEqual({
      class_name: 'Hinge',
      config: { name: 'hinge', reduction: 'sum_over_batch_size' },
    })
    expect(regularizerRegistry.serialize(null)).toBeNull()
  })

  it('writes the defaults of a plain name', () => {
    expect(metricRegistry.serialize(metrics.auc({ curve: 'PR' }))?.config).toMatchObject({
      name: 'auc',
      dtype: 'float32',
      curve: 'PR',
    })
    expect(initializerRegistry.serialize('zeros')).toEqual({
      module: 'keras.initializers',
      class_name: 'Zeros',
      config: {},
      registered_name: null,
    })
  })
})

describe('names', () => {
  it('finds what Keras finds by the same names', () => {
    for (const kind of ['initializers', 'regularizers', 'constraints']) {
      const known = (golden.names[kind] as string[]).filter(
        (name) => !/^(initializer|regularizer|constraint)$/i.test(name),
      )
      expect(known.filter((name) => REGISTRIES[kind]?.find(name) === undefined)).toEqual([])
    }
    for (const kind of ['losses', 'metrics']) {
      const rows = REGISTRIES[kind]?.rows ?? []
      const ours = new Set(rows.flatMap((row) => [row.className, toSnakeCase(row.className)]))
      for (const name of golden.names[kind] as string[]) {
        const expected = ours.has(name) || ['mse', 'mae', 'bce'].includes(name.toLowerCase())
        expect(REGISTRIES[kind]?.find(name) !== undefined, name).toBe(expected)
      }
    }
  })

  it('follow the rules of Keras', () => {
    for (const [name, snake] of Object.entries(golden.snake_case)) expect(toSnakeCase(name)).toBe(snake)
    expect(toPascalCase('sparse_categorical_crossentropy')).toBe('SparseCategoricalCrossentropy')
    expect(toCamelCase('beta_1')).toBe('beta1')
    expect(toCamelCase('num_thresholds')).toBe('numThresholds')
  })

  it('turn options into configs', () => {
    const keys = ['beta_1', 'from_logits']
    expect(configFromOptions({ beta1: 0.5, fromLogits: true }, keys, 'X')).toEqual({ beta_1: 0.5, from_logits: true })
    expect(configFromOptions({ beta_1: 0.5, fromLogits: undefined }, keys, 'X')).toEqual({ beta_1: 0.5 })
    expect(() => configFromOptions({ beta2: 1 }, keys, 'X')).toThrow(
      /X has no option beta2; expected beta1, fromLogits/,
    )
    expect(() => configFromOptions({ seed: 1 }, [], 'Zeros')).toThrow(/expected no options/)
  })

  it('of factories make objects that their registry knows', () => {
    for (const [registry, factories] of [
      [initializerRegistry, initializers],
      [lossRegistry, losses],
      [metricRegistry, metrics],
    ] as const) {
      const made = Object.entries(factories).map(([name, make]) => [name, make().class_name] as const)
      for (const [name, className] of made) expect(className.toLowerCase()).toBe(name.toLowerCase())
      expect(made.map(([, className]) => className).sort()).toEqual(registry.rows.map((row) => row.className).sort())
    }
  })
})
