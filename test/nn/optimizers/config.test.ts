import { describe, expect, it } from 'vitest'
import {
  FLOAT_KEYS,
  findOptimizer,
  learningRateAt,
  OPTIMIZERS,
  optimizers,
  requireTrainable,
  resolveOptimizer,
  serializeLegacyOptimizer,
  serializeOptimizer,
} from '../../../src/nn/optimizers/index.ts'
import type { Identifier, Json, JsonObject } from '../../../src/nn/types.ts'

const resolve = (className: string, config: JsonObject) => resolveOptimizer({ class_name: className, config })

describe('resolveOptimizer', () => {
  it.each(['adam', 'Adam', 'ADAM'])('finds %s whatever its case', (name) => {
    expect(resolveOptimizer(name).def).toBe(OPTIMIZERS.Adam)
    expect(findOptimizer(name)).toBe(OPTIMIZERS.Adam)
  })

  it('completes the config in the order of Keras', () => {
    const { config } = resolve('SGD', { momentum: 0.5, learning_rate: 0.2 })
    expect(config).toMatchObject({
      name: 'sgd',
      learning_rate: 0.2,
      weight_decay: null,
      momentum: 0.5,
      nesterov: false,
    })
    expect(Object.keys(config).slice(0, 2)).toEqual(['name', 'learning_rate'])
    expect(Object.keys(config).slice(-2)).toEqual(['momentum', 'nesterov'])
  })

  it.each([
    ['sgd', 0.01],
    ['rmsprop', 0.001],
    ['adagrad', 0.001],
    ['adam', 0.001],
  ])('gives %s the learning rate %d', (name, rate) => {
    expect(resolveOptimizer(name).config.learning_rate).toBe(rate)
  })

  it('takes a null epsilon, as Keras 1 wrote it, for the default', () => {
    expect(resolve('Adam', { epsilon: null }).config.epsilon).toBe(1e-7)
  })

  it('lets a schedule pass as learning rate', () => {
    const schedule = { class_name: 'ExponentialDecay', config: {} }
    const { config } = resolve('Adam', { learning_rate: schedule })
    expect(config.learning_rate).toBe(schedule)
    expect(() => learningRateAt(config, 0)).toThrow(/schedules cannot be run yet; received "ExponentialDecay"/)
  })

  it.each<[string, Identifier | number, RegExp]>([
    ['an unknown name', 'adamm', /unknown optimizer "adamm"; expected one of sgd, rmsprop, adagrad, adam/],
    ['a name of the prototype', 'constructor', /unknown optimizer/],
    ['no identifier', 7, /names no optimizer/],
  ])('refuses %s', (_, identifier, message) => {
    expect(() => resolveOptimizer(identifier as string)).toThrow(message)
  })

  it.each<[string, string, Json, RegExp]>([
    ['Adam', 'momentum', 0.9, /Adam has no option momentum; expected name, learning_rate, .*amsgrad/],
    ['Adam', '__proto__', 1, /Adam has no option __proto__/],
    ['Adam', 'learning_rate', -1, /bad value for learning_rate; expected a number of at least 0, received -1/],
    ['Adam', 'learning_rate', '0.1', /received "0.1"/],
    ['Adam', 'learning_rate', null, /received null/],
    ['Adam', 'beta_1', 1.5, /expected a number from 0 to 1, received 1.5/],
    ['Adam', 'amsgrad', 1, /expected true or false, received 1/],
    ['SGD', 'nesterov', 'yes', /expected true or false/],
    ['SGD', 'clipnorm', -1, /clipnorm/],
    ['RMSprop', 'gradient_accumulation_steps', 1, /expected a whole number of at least 2, received 1/],
    ['RMSprop', 'gradient_accumulation_steps', 2.5, /a whole number/],
    ['Adagrad', 'epsilon', -1e-7, /epsilon/],
  ])('refuses %s with %s %j', (className, key, value, message) => {
    const given = JSON.parse(`{"${key}":${JSON.stringify(value)}}`) as JsonObject
    expect(() => resolve(className, given)).toThrow(message)
    try {
      resolve(className, given)
    } catch (error) {
      expect(error).toMatchObject({ code: 'E_INVALID_CONFIG' })
    }
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (rate) => {
    expect(() => resolve('SGD', { learning_rate: rate })).toThrow(/bad value for learning_rate/)
  })

  it('refuses two ways of clipping', () => {
    expect(() => resolve('SGD', { clipnorm: 1, clipvalue: 1 })).toThrow(/one way only; received clipnorm, clipvalue/)
  })
})

describe('factories', () => {
  it('give identifiers in the spelling of Keras', () => {
    expect(optimizers.adam({ learningRate: 0.01, beta1: 0.8, weightDecay: 0.1 })).toEqual({
      class_name: 'Adam',
      config: { learning_rate: 0.01, beta_1: 0.8, weight_decay: 0.1 },
    })
    expect(optimizers.sgd()).toEqual({ class_name: 'SGD', config: {} })
  })

  it('exist for every optimizer', () => {
    expect(Object.values(optimizers).map((make) => make().class_name)).toEqual(Object.keys(OPTIMIZERS))
  })

  it('refuse unknown options', () => {
    expect(() => optimizers.sgd({ beta1: 0.5 } as never)).toThrow(/SGD has no option beta1; expected .*nesterov/)
  })
})

describe('learningRateAt', () => {
  it('is the rate, or falls by the legacy decay', () => {
    expect(learningRateAt(resolve('SGD', { learning_rate: 0.5 }).config, 7)).toBe(0.5)
    const { config } = resolve('SGD', { learning_rate: 0.5, decay: 0.25 })
    expect([0, 1, 4].map((iterations) => learningRateAt(config, iterations))).toEqual([0.5, Math.fround(0.4), 0.25])
  })
})

describe('requireTrainable', () => {
  it.each(['use_ema', 'gradient_accumulation_steps', 'loss_scale_factor'])('refuses %s', (key) => {
    const { config } = resolve('Adam', { [key]: key === 'use_ema' ? true : 4 })
    expect(() => requireTrainable(config)).toThrow(new RegExp(`training with ${key} is not supported yet`))
  })

  it('takes the defaults', () => {
    for (const name of Object.keys(OPTIMIZERS)) requireTrainable(resolveOptimizer(name).config)
  })
})

describe('serialization', () => {
  it('leaves the keys of Keras 2 out of the form of Keras 3', () => {
    const { config } = serializeOptimizer(resolve('RMSprop', { legacy: true, decay: 0.1 })) as { config: JsonObject }
    expect(config).not.toHaveProperty('legacy')
    expect(config).not.toHaveProperty('decay')
  })

  it('has no legacy form for what only Keras 3 can do', () => {
    expect(serializeLegacyOptimizer(resolve('Adam', { weight_decay: 0.1 }))).toBeNull()
    expect(serializeLegacyOptimizer(resolve('Adam', { use_ema: true }))).toBeNull()
    expect(serializeLegacyOptimizer(resolve('Adam', { clipnorm: 2 }))?.config).toMatchObject({ clipnorm: 2, decay: 0 })
  })

  it('knows which keys Python must read as floats', () => {
    for (const def of Object.values(OPTIMIZERS)) {
      for (const [key, value] of Object.entries(def.defaults))
        expect(FLOAT_KEYS.has(key)).toBe(typeof value === 'number')
    }
  })
})
