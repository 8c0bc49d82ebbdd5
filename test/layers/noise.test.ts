import { describe, expect, it } from 'vitest'
import { layers } from '../../src/index.ts'
import { input } from '../../src/model/input.ts'
import type { Layer } from '../../src/model/layer.ts'
import { lowerNetwork } from '../../src/model/lower.ts'
import { Model } from '../../src/model/model.ts'
import { createRandomStream, RANDOM_STATE } from '../../src/nn/random.ts'
import { Tensor, tensor } from '../../src/tensor/index.ts'
import { evaluate, numbersOf } from '../nn/golden.ts'

type Noise = (x: ReturnType<typeof input>) => ReturnType<typeof input>

/** What a layer makes of ones (or another number) in training. */
async function noisy(layer: Layer & Noise, shape: readonly number[], step = 0, fill = 1): Promise<Float64Array> {
  const x = input({ shape: shape.slice(1) })
  const network = new Model({ inputs: x, outputs: layer(x) }).requireNetwork()
  const count = shape.reduce((a, c) => a * c, 1)
  const feeds = {
    x: tensor(new Array<number>(count).fill(fill), { shape }),
    state: new Tensor(RANDOM_STATE.dtype, RANDOM_STATE.shape, Uint32Array.of(7, 0, step, 0) as never),
  }
  const [y] = await evaluate(feeds, (b, values) => {
    const random = createRandomStream(b, values.state)
    const weight = (): never => {
      throw new Error('these layers have no weights')
    }
    const env = { b, training: true, gradients: false, losses: false, weight, random }
    return lowerNetwork(network, [values.x], [null], env).outputs
  })
  return Float64Array.from(numbersOf(y))
}

function moments(values: Float64Array): { mean: number; deviation: number } {
  const mean = values.reduce((a, c) => a + c, 0) / values.length
  return { mean, deviation: Math.sqrt(values.reduce((a, c) => a + (c - mean) ** 2, 0) / values.length) }
}

describe('noise in training', () => {
  it('GaussianNoise adds normal numbers of the given deviation', async () => {
    const values = await noisy(layers.gaussianNoise({ stddev: 0.5 }), [100, 400], 0, 3)
    const { mean, deviation } = moments(values)
    expect(Math.abs(mean - 3)).toBeLessThan(0.01)
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.01)
    const within = values.filter((value) => Math.abs(value - 3) < 0.5).length / values.length
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.01)
  })

  it('GaussianDropout multiplies by numbers of mean 1 and deviation √(rate / (1 - rate))', async () => {
    const { mean, deviation } = moments(await noisy(layers.gaussianDropout({ rate: 0.2 }), [100, 400]))
    expect(Math.abs(mean - 1)).toBeLessThan(0.01)
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.01)
  })

  it('AlphaDropout has two values of mean and variance as Keras makes them', async () => {
    const values = await noisy(layers.alphaDropout({ rate: 0.3 }), [100, 400], 0, 0)
    const distinct = [...new Set(values)].sort((a, c) => a - c)
    const floor = -1.6732632423543772 * 1.0507009873554805
    const scale = (0.7 * (1 + 0.3 * floor ** 2)) ** -0.5
    expect(distinct).toHaveLength(2)
    expect(distinct[0]).toBeCloseTo(scale * floor * 0.7, 5)
    expect(distinct[1]).toBeCloseTo(-scale * floor * 0.3, 5)
    expect(Math.abs(moments(values).mean)).toBeLessThan(0.02)
  })

  it('SpatialDropout drops whole channels and scales the others', async () => {
    const cases = [
      { layer: layers.spatialDropout1d({ rate: 0.25 }), shape: [50, 5, 40], places: 5 },
      { layer: layers.spatialDropout2d({ rate: 0.25 }), shape: [50, 2, 3, 40], places: 6 },
      { layer: layers.spatialDropout3d({ rate: 0.25 }), shape: [50, 2, 3, 1, 40], places: 6 },
    ]
    for (const { layer, shape, places } of cases) {
      const values = await noisy(layer, shape)
      let dropped = 0
      for (let sample = 0; sample < 50; sample++) {
        for (let channel = 0; channel < 40; channel++) {
          const at = (place: number): number => values[(sample * places + place) * 40 + channel] as number
          const column = new Set(Array.from({ length: places }, (_, place) => at(place)))
          expect(column.size).toBe(1)
          if (at(0) === 0) dropped++
          else expect(at(0)).toBeCloseTo(4 / 3, 5)
        }
      }
      expect(Math.abs(dropped / 2000 - 0.25)).toBeLessThan(0.04)
    }
  })

  it('follows from seed and step alone', async () => {
    const draw = (step: number): Promise<Float64Array> => noisy(layers.gaussianNoise({ stddev: 1 }), [3, 5], step)
    expect(await draw(4)).toEqual(await draw(4))
    expect(await draw(5)).not.toEqual(await draw(4))
  })
})
