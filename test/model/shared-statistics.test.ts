import { describe, expect, it } from 'vitest'
import { input, layers, Model, optimizers, Sequential, tensor } from '../../src/index.ts'
import { callOrder } from '../../src/model/call-order.ts'
import type { NetworkCall } from '../../src/model/network.ts'

const column = (value: number) => tensor(new Float32Array(4).fill(value), { shape: [4, 1] })
const still = optimizers.sgd({ learningRate: 0 })

/** `bn` sees 8 on the left and 0 on the right, one step with momentum 0.5; the mean that it is left with. */
async function meanAfter(sides: readonly ('left' | 'right')[], inside: boolean): Promise<number> {
  const left = input({ shape: [1], name: 'left' })
  const right = input({ shape: [1], name: 'right' })
  const norm = layers.batchNormalization({ momentum: 0.5, name: 'bn', inputShape: [1] })
  const wrapped = new Sequential([norm])
  const shared = (x: typeof left) => (inside ? (wrapped.call(x) as typeof left) : norm(x))
  const seen = { left: shared(left), right: shared(right) }
  const model = new Model({
    inputs: { left, right },
    outputs: sides.map((side) => layers.dense({ units: 1, name: `on_${side}` })(seen[side])),
  })
  model.compile({ optimizer: still, loss: 'mse' })
  const zeros = Object.fromEntries(sides.map((side) => [`on_${side}`, column(0)]))
  await model.fit({ left: column(8), right: column(0) }, zeros, { batchSize: 4, shuffle: false, verbose: 0 })
  const mean = model.weights.find(({ name }) => name === 'moving_mean')?.value.data[0]
  await model.dispose()
  return Number(mean)
}

/** Expected numbers are those of keras 3.15.1 and tf-keras 2.21. */
describe('a layer that is called twice in a step', () => {
  it.each([
    ['the last output first', ['left', 'right'], 4],
    ['which is decided by the outputs', ['right', 'left'], 2],
  ] as const)('keeps the statistics of both calls: %s', async (_, sides, expected) => {
    expect([await meanAfter(sides, false), await meanAfter(sides, true)]).toEqual([expected, expected])
  })

  it('goes on from its own first call further up', async () => {
    const x = input({ shape: [1] })
    const norm = layers.batchNormalization({ momentum: 0.5 })
    const five = layers.dense({
      units: 1,
      kernelInitializer: 'ones',
      biasInitializer: { class_name: 'Constant', config: { value: 5 } },
    })
    const model = new Model({ inputs: x, outputs: norm(five(norm(x))) })
    model.compile({ optimizer: still, loss: 'mse' })
    await model.fit(column(8), column(8), { batchSize: 4, verbose: 0 })
    expect(model.weights.find(({ name }) => name === 'moving_mean')?.value.data[0]).toBe(4.5)
    await model.dispose()
  })
})

describe('callOrder', () => {
  const [a, b] = ['a', 'b'].map((name) => ({ name }) as NetworkCall['layer']) as [
    NetworkCall['layer'],
    NetworkCall['layer'],
  ]
  const call = (layer: NetworkCall['layer'], ...from: number[]): NetworkCall => ({
    layer,
    args: from.map((source) => ({ call: source, output: 0 })),
    kwargs: {},
  })

  it('takes what is farther from the outputs first, and of equals the later', () => {
    const entrances = ['x', 'y'].map((name) => call({ name } as NetworkCall['layer']))
    const [x, y] = entrances as [NetworkCall, NetworkCall]
    expect(callOrder({ calls: [x, call(a, 0), y, call(b, 2)] })).toEqual([2, 0, 3, 1])
    // The call of `b` that is farther away takes the other one along.
    expect(callOrder({ calls: [x, call(b, 0), y, call(b, 2), call(a, 3)] })).toEqual([2, 0, 3, 1, 4])
  })
})
