import type { Builder } from '../../graph/index.ts'
import { createRandomStream, RANDOM_STATE } from '../../nn/random.ts'
import type { RandomStream } from '../../nn/types.ts'
import { Tensor } from '../../tensor/index.ts'

/** Name of the graph input that holds the position of the random streams. */
export const RANDOM_INPUT = 'random'

/** A stream whose graph input appears with the first draw: graphs without dropout are not burdened. */
export function lazyRandomStream(b: Builder): RandomStream {
  let stream: RandomStream | null = null
  return {
    uniform(builder, shape, bits) {
      stream ??= createRandomStream(b, b.input(RANDOM_INPUT, RANDOM_STATE.dtype, RANDOM_STATE.shape))
      return stream.uniform(builder, shape, bits)
    },
  }
}

/** The position as a graph reads it: seed and step, each as low and high word. Written in place before a step. */
export class RandomPosition {
  readonly tensor = new Tensor('uint32', [4], new Uint32Array(4))

  set(seed: number, step: number): void {
    const { data } = this.tensor
    data[0] = seed >>> 0
    data[1] = Math.floor(seed / 2 ** 32)
    data[2] = step >>> 0
    data[3] = Math.floor(step / 2 ** 32)
  }
}
