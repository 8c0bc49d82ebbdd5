import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/graph/index.ts'
import {
  ACTIVATIONS,
  activation,
  activationRegistry,
  applyActivation,
  serializeActivation,
} from '../../src/nn/activations/index.ts'
import type { Identifier, JsonObject } from '../../src/nn/types.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { gradients } from '../../src/passes/index.ts'
import {
  evaluate,
  expectClose,
  type GoldenTensor,
  type Numbers,
  numbersOf,
  readGolden,
  scalars,
  toTensor,
} from './golden.ts'

interface ActivationCase {
  readonly activation: string
  readonly config: JsonObject
  readonly input: string
  readonly y: Numbers
  readonly dx: Numbers
}

interface Golden {
  readonly names: readonly string[]
  readonly inputs: Readonly<Record<string, GoldenTensor>>
  readonly upstream: Readonly<Record<string, GoldenTensor>>
  readonly cases: readonly ActivationCase[]
}

const golden = readGolden<Golden>('activations')

/** Values and gradients against Keras: at random places, where pieces meet and far out. */
async function checkActivation(one: ActivationCase): Promise<void> {
  const x = toTensor(golden.inputs[one.input] as GoldenTensor)
  const upstream = toTensor(golden.upstream[one.input] as GoldenTensor)
  const identifier = { class_name: one.activation, config: one.config }
  const [y, dx] = await evaluate({ x, upstream }, (b, inputs) => {
    const output = applyActivation(b, identifier, inputs.x)
    const width = output.shape.at(-1) as number
    const seed = b.op('Slice', [inputs.upstream, b.ints([0]), b.ints([width]), b.ints([-1])])
    const [gradient] = gradients(b, b.op('Mul', [output, seed]), [inputs.x])
    return [output, gradient as Value]
  })
  expectClose(numbersOf(y), one.y, 'y')
  expectClose(numbersOf(dx), one.dx, 'dx')
}

describe('activations', () => {
  for (const one of golden.cases) {
    it(`${one.activation} ${JSON.stringify(one.config)} on ${one.input}`, () => checkActivation(one))
  }

  it('knows every name that Keras knows', () => {
    expect(golden.names.filter((name) => activationRegistry.find(name) === undefined)).toEqual([])
  })

  it('has a golden case for every function', () => {
    const tried = new Set(golden.cases.map((one) => activationRegistry.find(one.activation)))
    expect(Object.values(ACTIVATIONS).filter((def) => !tried.has(def as never))).toEqual([])
  })
})

describe('activation identifiers', () => {
  const apply = async (identifier: Identifier) => [
    ...(numbersOf(
      (await evaluate({ x: scalars(-4, 0, 8) }, (b, { x }) => [applyActivation(b, identifier, x)]))[0],
    ) as Float32Array),
  ]

  it('reads functions as Keras 3 serialises them', async () => {
    const relu = { module: 'builtins', class_name: 'function', config: 'relu', registered_name: 'function' }
    expect(await apply(relu as unknown as Identifier)).toEqual([0, 0, 8])
  })

  it('reads activation layers, with the defaults and older spellings of the layer', async () => {
    const layer = { name: 're_lu', trainable: true, dtype: 'float32', max_value: 6, negative_slope: 0.5, threshold: 0 }
    expect(await apply({ class_name: 'ReLU', config: layer })).toEqual([-2, 0, 6])
    expect(await apply({ class_name: 'LeakyReLU', config: { name: 'l' } })).toEqual([Math.fround(-1.2), 0, 8])
    expect(await apply({ class_name: 'LeakyReLU', config: { alpha: 0.25 } })).toEqual([-1, 0, 8])
    expect(await apply({ class_name: 'Activation', config: { activation: 'relu6' } })).toEqual([0, 0, 6])
  })

  it('takes null as linear and options in camelCase', async () => {
    expect(await apply(null)).toEqual([-4, 0, 8])
    // @ts-expect-error no such option
    expect(() => activation('relu', { alpha: 1 })).toThrow(/relu has no option alpha; expected negativeSlope/)
    expect(await apply(activation('relu', { negativeSlope: 0.25, maxValue: 2 }))).toEqual([-1, 0, 2])
  })

  it('ends softmax and sigmoid in their operator, whose input is the logits', () => {
    for (const [name, op] of [
      ['softmax', 'Softmax'],
      ['sigmoid', 'Sigmoid'],
    ] as const) {
      const b = newBuilder()
      const x = b.input('x', 'float32', ['batch', 3])
      const node = b.producerOf(applyActivation(b, name, x))
      expect(node?.op).toBe(op)
      expect(node?.inputs[0]).toBe(x)
    }
  })

  it('writes names as Keras does and layers as they are', () => {
    expect(serializeActivation('swish')).toBe('silu')
    expect(serializeActivation({ class_name: 'gelu', config: {} })).toBe('gelu')
    const layer = { class_name: 'ReLU', config: { max_value: 6 } }
    expect(serializeActivation(layer)).toBe(layer)
    expect(() => serializeActivation({ class_name: 'gelu', config: { approximate: true } })).toThrow(
      /arguments of the activation gelu/,
    )
  })

  it('refuses what it does not know, listing what it does', () => {
    const refuse = (identifier: unknown) =>
      expect(() => applyActivation(newBuilder(), identifier as Identifier, newBuilder().scalar(1)))
    refuse('rleu').toThrow(/unknown activation "rleu"; expected one of linear, relu/)
    refuse('Relu').toThrow(expect.objectContaining({ code: 'E_UNSUPPORTED_LAYER' }))
    refuse(['relu']).toThrow(expect.objectContaining({ code: 'E_INVALID_CONFIG' }))
    refuse({ class_name: 'relu', config: { slope: 1 } }).toThrow(
      /activation relu has no "slope"; expected negative_slope, max_value/,
    )
    refuse('constructor').toThrow(/unknown activation/)
    refuse({ class_name: '__proto__', config: {} }).toThrow(/unknown activation/)
  })

  it('refuses an odd axis for glu', () => {
    const b = newBuilder()
    expect(() => applyActivation(b, 'glu', b.input('x', 'float32', ['batch', 3]))).toThrow(
      /even size at axis -1, received \[batch, 3\]/,
    )
  })
})
