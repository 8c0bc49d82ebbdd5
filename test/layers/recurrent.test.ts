import { describe, expect, it } from 'vitest'
import { input, layers, Model, Sequential, tensor } from '../../src/index.ts'
import type { Tensor } from '../../src/tensor/index.ts'

const FACTORIES = [
  ['SimpleRNN', layers.simpleRNN],
  ['LSTM', layers.lstm],
  ['GRU', layers.gru],
] as const

const numbers = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i)),
    { shape },
  )
}

describe.each(FACTORIES)('%s', (_, make) => {
  it('runs sequences of any length', async () => {
    const x = input({ shape: [null, 3] })
    const model = new Model({ inputs: x, outputs: make({ units: 4, returnSequences: true })(x) })
    expect(model.outputs.map(({ shape }) => shape)).toEqual([[null, null, 4]])
    const long = await model.predict(numbers([2, 7, 3]))
    expect(long.shape).toEqual([2, 7, 4])
    expect((await model.predict(numbers([3, 2, 3]))).shape).toEqual([3, 2, 4])
    await model.dispose()
  })

  it('goes on from the states of another call: two halves give what the whole gives', async () => {
    const first = input({ shape: [3, 2] })
    const second = input({ shape: [2, 2] })
    const layer = make({ units: 3, returnState: true })
    const [, ...states] = layer.call(first) as ReturnType<typeof input>[]
    const [halves] = layer.call(second, { initial_state: states }) as ReturnType<typeof input>[]
    const split = new Model({ inputs: [first, second], outputs: halves as ReturnType<typeof input> })
    const all = input({ shape: [5, 2] })
    const whole = new Model({ inputs: all, outputs: (layer.call(all) as ReturnType<typeof input>[])[0] as never })
    const x = numbers([1, 5, 2])
    const part = (from: number, to: number): Tensor =>
      tensor((x.data as Float32Array).slice(from * 2, to * 2), { shape: [1, to - from, 2] })
    const joined = await split.predict([part(0, 3), part(3, 5)])
    const expected = await whole.predict(x)
    for (const [i, value] of (expected.data as Float32Array).entries()) expect(joined.data[i]).toBeCloseTo(value, 6)
    await split.dispose()
    await whole.dispose()
  })

  it('refuses to run with states that outlive a batch, and still opens', async () => {
    const build = (): Sequential => new Sequential([make({ units: 2, stateful: true, inputShape: [4, 3] })])
    const run = async (): Promise<unknown> => build().predict(numbers([1, 4, 3]))
    await expect(run()).rejects.toMatchObject({ code: 'E_UNSUPPORTED_OPTION' })
  })

  it('starts the forget gate open, and only that', () => {
    const model = new Sequential([make({ units: 2, inputShape: [4, 3] })])
    model.build()
    const bias = model.getLayer(-1).weight('bias').value
    const ones = [...(bias.data as Float32Array)].flatMap((value, i) => (value === 1 ? [i] : []))
    expect(ones).toEqual(model.getLayer(-1).className === 'LSTM' ? [2, 3] : [])
  })

  it('drops the same inputs in every step of a sequence, in training only', async () => {
    const rate = 0.25
    const units = 8
    const model = new Sequential([make({ units, dropout: rate, recurrentDropout: rate, inputShape: [3, 16] })])
    model.compile({ optimizer: 'sgd', loss: 'mse' })
    const x = numbers([64, 3, 16])
    const still = await model.predict(x)
    const losses: number[] = []
    for (let i = 0; i < 4; i++) {
      const logs = await model.trainOnBatch(x, still)
      losses.push(logs.loss as number)
    }
    expect((await model.evaluate(x, await model.predict(x))).loss).toBeLessThan(1e-10)
    expect(Math.min(...losses)).toBeGreaterThan(1e-4)
    expect(new Set(losses).size).toBe(4)
    await model.dispose()
  })
})

it('a layer that only adds up its inputs shows the noise itself: kept with 1 - rate, scaled, one draw a sequence', async () => {
  const rate = 0.25
  const model = new Sequential([
    layers.simpleRNN({
      units: 1,
      activation: 'linear',
      useBias: false,
      dropout: rate,
      kernelInitializer: 'ones',
      recurrentInitializer: 'ones',
      inputShape: [5, 1],
    }),
  ])
  model.compile({ optimizer: 'sgd', loss: 'mse' })
  model.trainable = false
  const rows = 4000
  const x = tensor(new Float32Array(rows * 5).fill(1), { shape: [rows, 5, 1] })
  // Each sum is 0 or 5 / (1 - rate), never between: (0 - 0)² or (5 / (1 - rate))² against targets of 0.
  const loss = (await model.trainOnBatch(x, tensor(new Float32Array(rows), { shape: [rows, 1] }))).loss as number
  const kept = loss / (5 / (1 - rate)) ** 2
  expect(Math.abs(kept - (1 - rate))).toBeLessThan(0.03)
  await model.dispose()
})
