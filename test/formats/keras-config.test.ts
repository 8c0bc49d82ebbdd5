import { describe, expect, it } from 'vitest'
import type { Json, LayerGraph } from '../../src/formats/doc.ts'
import { readCompile } from '../../src/formats/keras/compile.ts'
import { readModelConfig } from '../../src/formats/keras/config-read.ts'
import { writeModelConfig } from '../../src/formats/keras/config-write.ts'
import { canonicalConfig } from '../../src/formats/keras/renames.ts'
import { Report } from '../../src/formats/keras/report.ts'

function read(node: Json): { graph: LayerGraph; codes: string[] } {
  const report = new Report()
  const graph = readModelConfig(node, report)
  return { graph, codes: report.warnings.map(({ code }) => code) }
}

const dense = (name: string, extra: { [key: string]: Json } = {}): { [key: string]: Json } => ({
  class_name: 'Dense',
  config: { name, units: 2, ...extra },
})
const layer = (node: { [key: string]: Json }, name: string, inbound: Json): Json => ({
  ...node,
  name,
  inbound_nodes: inbound,
})
const input = (name: string): Json =>
  layer({ class_name: 'InputLayer', config: { name, batch_input_shape: [null, 2], dtype: 'float32' } }, name, [])

function functional(layers: readonly Json[], outputs: Json, inputs: Json = [['x', 0, 0]]): Json {
  return { class_name: 'Model', config: { name: 'm', layers, input_layers: inputs, output_layers: outputs } }
}

describe('spellings of older Kerases', () => {
  it.each([
    [
      'Dense',
      { output_dim: 3, init: 'uniform', bias: false, W_regularizer: null },
      { units: 3, kernel_initializer: 'uniform', use_bias: false, kernel_regularizer: null },
    ],
    ['Dense', { units: 3, output_dim: 9, batch_input_shape: [null, 4] }, { units: 3 }],
    ['Dropout', { p: 0.5 }, { rate: 0.5 }],
    ['BatchNormalization', { axis: [1], mode: 0, renorm: false }, { axis: 1 }],
    ['InputLayer', { batch_input_shape: [null, 4], input_dtype: 'int32' }, { batch_shape: [null, 4], dtype: 'int32' }],
    ['LSTM', { units: 2, time_major: false }, { units: 2 }],
    [
      'Dense',
      {
        dtype: { module: 'keras', class_name: 'DTypePolicy', config: { name: 'mixed_float16' }, registered_name: null },
      },
      { dtype: 'mixed_float16' },
    ],
    [
      'Dense',
      { activation: { module: 'builtins', class_name: 'function', config: 'relu', registered_name: 'function' } },
      { activation: 'relu' },
    ],
    [
      'Dense',
      {
        kernel_initializer: {
          class_name: 'VarianceScaling',
          config: { scale: 2, distribution: 'normal', input_axes: null },
        },
      },
      { kernel_initializer: { class_name: 'VarianceScaling', config: { scale: 2, distribution: 'truncated_normal' } } },
    ],
  ] as [string, { [key: string]: Json }, { [key: string]: Json }][])('%s %j', (className, old, expected) => {
    expect(canonicalConfig(className, { name: 'a', trainable: true, ...old })).toEqual(expected)
  })

  it('keeps objects of foreign modules as they are', () => {
    const own = { module: 'acme.layers', class_name: 'Odd', config: { dtype: 'x' }, registered_name: 'acme>Odd' }
    expect(canonicalConfig('Dense', { kernel_initializer: own })).toEqual({ kernel_initializer: own })
  })
})

describe('Sequential', () => {
  it('gets an entrance from the shape on its first layer, also of a model inside', () => {
    const bare = read({ class_name: 'Sequential', config: [dense('a', { batch_input_shape: [null, 4] }), dense('b')] })
    expect(bare.graph.layers.map(({ name }) => name)).toEqual(['a_input', 'a', 'b'])
    expect(bare.graph.layers[0]?.config.batch_shape).toEqual([null, 4])
    const inner = { class_name: 'Sequential', config: [dense('a', { input_dim: 4 })] }
    const outer = read({
      class_name: 'Sequential',
      config: { name: 's', layers: [{ ...inner, name: 'inner' }, dense('b')] },
    })
    expect(outer.graph.layers[0]).toMatchObject({ name: 'inner_input', config: { batch_shape: [null, 4] } })
    expect(outer.graph.layers[1]?.graph?.layers.map(({ name }) => name)).toEqual(['a_input', 'a'])
  })

  it('without any shape is a chain without an entrance', () => {
    const { graph } = read({ class_name: 'Sequential', config: { name: 's', layers: [dense('a'), dense('b')] } })
    expect(graph.inputs).toEqual([])
    expect(graph.calls.map(({ args }) => args.length)).toEqual([0, 1])
    expect(graph.outputs).toEqual({ layer: 'b', call: 0, output: 0 })
  })
})

describe('calls', () => {
  const inner = {
    class_name: 'Model',
    config: {
      name: 'inner',
      layers: [input('x'), layer(dense('d'), 'd', [[['x', 0, 0, {}]]])],
      input_layers: [['x', 0, 0]],
      output_layers: [['d', 0, 0]],
    },
  }

  it('of models inside count from 1 in Keras 2', () => {
    const { graph } = read(
      functional(
        [
          input('x'),
          layer(inner, 'inner', [[['x', 0, 0, {}]], [['a', 0, 0, {}]]]),
          layer(dense('a'), 'a', [[['inner', 1, 0, {}]]]),
        ],
        [['inner', 2, 0]],
      ),
    )
    expect(graph.outputs).toEqual([{ layer: 'inner', call: 1, output: 0 }])
    expect(graph.calls.find((call) => call.layer === 'a')?.args).toEqual([
      { tensor: { layer: 'inner', call: 0, output: 0 } },
    ])
  })

  it('take lists, keyword tensors and constants', () => {
    const { graph } = read(
      functional(
        [
          input('x'),
          input('y'),
          layer({ class_name: 'Odd', config: { name: 'o' } }, 'o', [
            [
              ['x', 0, 0, { other: ['y', 0, 0], training: false, axes: ['z', 1, 2] }],
              ['y', 0, 0, {}],
            ],
          ]),
          layer({ class_name: 'Odd', config: { name: 'p' } }, 'p', [
            [
              ['o', 0, 0, {}],
              ['_CONSTANT_VALUE', -1, 2.5, {}],
            ],
          ]),
        ],
        [['p', 0, 0]],
        [
          ['x', 0, 0],
          ['y', 0, 0],
        ],
      ),
    )
    const ref = (name: string) => ({ tensor: { layer: name, call: 0, output: 0 } })
    const [, , o, p] = graph.calls
    expect(o?.args).toEqual([[ref('x'), ref('y')]])
    expect(o?.kwargs).toEqual({ other: ref('y'), training: { constant: false }, axes: { constant: ['z', 1, 2] } })
    expect(p?.args).toEqual([[ref('o'), { constant: 2.5 }]])
  })

  it('that no output needs are dropped, and the rest is renumbered', () => {
    const a = layer(dense('a'), 'a', [[['x', 0, 0, {}]], [['x', 0, 0, {}]], [['a', 1, 0, {}]]])
    const { graph } = read(functional([input('x'), a], [['a', 2, 0]]))
    expect(graph.calls.map((call) => call.layer)).toEqual(['x', 'a', 'a'])
    expect(graph.outputs).toEqual([{ layer: 'a', call: 1, output: 0 }])
  })

  it('keep dictionaries of outputs', () => {
    const { graph } = read(
      functional([input('x'), layer(dense('a'), 'a', [[['x', 0, 0, {}]]])], {
        out: ['a', 0, 0],
        __proto__: ['x', 0, 0],
      }),
    )
    expect(graph.outputs).toEqual({ out: { layer: 'a', call: 0, output: 0 } })
  })
})

describe('layers that are only carried', () => {
  const lstm = { name: 'l', trainable: true, units: 2, time_major: false }
  const glorot = { class_name: 'GlorotUniform', config: { seed: null, input_axes: null } }
  const wrapped = { module: 'keras.initializers', registered_name: null, ...glorot }
  const policy = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null }
  const configOf = (node: Json): { [key: string]: Json } =>
    (
      (node as { config: { layers: { config: { [key: string]: Json } }[] } }).config.layers[0] as {
        config: { [key: string]: Json }
      }
    ).config
  const through = (
    className: string,
    config: { [key: string]: Json },
    dialect: 'keras2' | 'keras3',
  ): { [key: string]: Json } => {
    const { graph } = read({
      class_name: 'Sequential',
      config: { name: 's', layers: [{ class_name: className, config }] },
    })
    return configOf(writeModelConfig(graph, dialect, new Report()))
  }

  it('are translated between the families', () => {
    const keras3 = { ...lstm, dtype: policy, kernel_initializer: wrapped, seed: null }
    expect(through('ConvLSTM2D', keras3, 'keras2')).toEqual({
      name: 'l',
      trainable: true,
      units: 2,
      dtype: 'float32',
      kernel_initializer: { class_name: 'GlorotUniform', config: { seed: null } },
    })
    const back = through('ConvLSTM2D', { ...lstm, dtype: 'float32', kernel_initializer: glorot }, 'keras3')
    expect(back).toMatchObject({ dtype: policy, kernel_initializer: wrapped })
    expect(back).not.toHaveProperty('time_major')
  })

  it('go back as they came within a family, but for keys that Keras 3 refuses', () => {
    const own = { name: 'o', trainable: true, dtype: 'float32', odd: [1, { class_name: 'X', config: {} }] }
    expect(through('Odd', own, 'keras2')).toEqual(own)
    expect(through('ConvLSTM2D', { ...lstm, dtype: 'float32' }, 'keras2')).toEqual({
      name: 'l',
      trainable: true,
      units: 2,
      dtype: 'float32',
    })
  })
})

describe('freezing', () => {
  it('of a model inside reaches its layers in the file: no Keras keeps the flag of a Sequential', () => {
    const inner = {
      class_name: 'Sequential',
      config: { name: 'inner', layers: [dense('d', { batch_input_shape: [null, 2] })] },
    }
    const { graph } = read({ class_name: 'Sequential', config: { name: 's', layers: [inner] } })
    const frozen = { ...graph, layers: graph.layers.map((one) => ({ ...one, trainable: !one.graph })) }
    for (const dialect of ['keras2', 'keras3', 'keras3-h5'] as const) {
      const back = read(writeModelConfig(frozen, dialect, new Report())).graph
      const model = back.layers.find((one) => one.graph)
      expect(model?.graph?.layers.find(({ name }) => name === 'd')?.trainable).toBe(false)
    }
  })
})

describe('compile settings', () => {
  const named = (className: string, config: { [key: string]: Json }): Json => ({ class_name: className, config })

  it('of tf-keras lose their wrappers, the output in the names, and old words', () => {
    const compile = readCompile(
      {
        loss: named('BinaryCrossentropy', { reduction: 'auto', from_logits: true, fn: 'binary_crossentropy' }),
        metrics: [
          [named('MeanMetricWrapper', { name: 'a_mae', dtype: 'float32', fn: 'mean_absolute_error' })],
          [
            named('AUC', { name: 'b_auc', curve: 'PR' }),
            named('MeanMetricWrapper', { name: 'b_kld', fn: 'kl_divergence' }),
          ],
        ],
        loss_weights: [1, 0.5],
        optimizer_config: named('Adam', { name: 'Adam', lr: 0.5, decay: 0.1 }),
      },
      ['a', 'b'],
      'legacy',
    )
    expect(compile).toEqual({
      optimizer: named('Adam', { name: 'adam', decay: 0.1, learning_rate: 0.5, legacy: true }),
      loss: named('BinaryCrossentropy', { reduction: 'sum_over_batch_size', from_logits: true }),
      lossWeights: [1, 0.5],
      metrics: [
        [named('MeanAbsoluteError', { name: 'mae', dtype: 'float32' })],
        [named('AUC', { name: 'auc', curve: 'PR' }), named('KLDivergence', { name: 'kld' })],
      ],
      weightedMetrics: null,
    })
  })

  it('of one output stand in one list', () => {
    const compile = readCompile({ loss: 'mse', metrics: [['mae', 'mse']], optimizer_config: 'sgd' }, ['a'], 'legacy')
    expect(compile?.metrics).toEqual(['mae', 'mse'])
    expect(compile?.optimizer).toBe('sgd')
  })

  it('are absent from a model that was not compiled', () => {
    expect(readCompile({}, ['a'], 'keras3')).toBeNull()
  })
})
