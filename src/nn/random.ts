import type { Builder, Value } from '../graph/index.ts'
import { type DType, sizeOf, Tensor } from '../tensor/index.ts'
import { cast } from './formula.ts'
import { PHILOX } from './philox.ts'
import type { RandomStream } from './types.ts'

/**
 * Philox4x32-10 from integer operators. Random operators of ONNX have no position, so that a stopped run could not go
 * on with the same numbers; these follow from (seed, step, stream) alone. `philox.ts` has the same numbers in plain
 * code.
 *
 * One tensor `[1, 2, blocks]` of uint64 holds the words that a round multiplies (c0, c2), another the words that it
 * mixes in (c1, c3): six operators a round for any number of blocks.
 */
interface RandomState {
  /** The key of each round, `[1, 2, 1]`. */
  readonly keys: readonly Value[]
  /** The step as rows of c0 and c2 `[1, 2, 1]`: (0, low). */
  readonly stepLow: Value
  /** The step's high word `[1, 1, 1]`: c3. */
  readonly stepHigh: Value
}

function uint64(b: Builder, shape: readonly number[], values: readonly number[]): Value {
  return b.constant(new Tensor('uint64', shape, BigUint64Array.from(values, BigInt)))
}

const low32 = (b: Builder): Value => b.scalar(0xffffffffn, 'uint64')
const bits = (b: Builder, n: number): Value => b.scalar(BigInt(n), 'uint64')

/** What all draws of one step share. */
function prepare(b: Builder, state: Value): RandomState {
  const words = b.op('Reshape', [cast(b, state, 'uint64'), b.ints([1, 4, 1])])
  const sizes = b.ints([2, 1, 1])
  const [seed, stepLow, stepHigh] = b.ops('Split', [words, sizes], { axis: 1 }, 3) as readonly [Value, Value, Value]
  const rounds = Array.from({ length: PHILOX.rounds }, (_, r) => r)
  const weyl = rounds.flatMap((r) => PHILOX.weyl.map((step) => Number(BigInt.asUintN(32, BigInt(step) * BigInt(r)))))
  const sums = b.op('Add', [uint64(b, [PHILOX.rounds, 2, 1], weyl), seed])
  const keys = b.ops(
    'Split',
    [b.op('BitwiseAnd', [sums, low32(b)])],
    { axis: 0, num_outputs: PHILOX.rounds },
    PHILOX.rounds,
  )
  return { keys, stepLow: b.op('Mul', [stepLow, uint64(b, [1, 2, 1], [0, 1])]), stepHigh }
}

/** The words of `blocks` blocks, `[1, 4, blocks]` uint64, rows in the order c0, c2, c1, c3. */
function randomWords(b: Builder, { keys, stepLow, stepHigh }: RandomState, stream: number, blocks: number): Value {
  const count = b.op('Range', [b.scalar(0n, 'int64'), b.scalar(BigInt(blocks), 'int64'), b.scalar(1n, 'int64')])
  const block = b.op('Mul', [cast(b, count, 'uint64'), uint64(b, [1, 2, 1], [1, 0])])
  const multipliers = uint64(b, [1, 2, 1], PHILOX.multipliers)
  const swap = b.ints([1, 0])
  let multiplied = b.op('Add', [block, stepLow])
  let mixed = b.op('Concat', [uint64(b, [1, 1, 1], [stream]), stepHigh], { axis: 1 })
  for (const key of keys) {
    const products = b.op('Gather', [b.op('Mul', [multiplied, multipliers]), swap], { axis: 1 })
    const high = b.op('BitShift', [products, bits(b, 32)], { direction: 'RIGHT' })
    multiplied = b.op('BitwiseXor', [high, b.op('BitwiseXor', [mixed, key])])
    mixed = b.op('BitwiseAnd', [products, low32(b)])
  }
  return b.op('Concat', [multiplied, mixed], { axis: 1 })
}

/** float32 in [0, 1) from the high bits of random words. */
function toUniform(b: Builder, words: Value, precision: 16 | 24): Value {
  const high = b.op('BitShift', [words, bits(b, 32 - precision)], { direction: 'RIGHT' })
  const lanes =
    precision === 24 ? high : b.op('Concat', [high, b.op('BitwiseAnd', [words, bits(b, 0xffff)])], { axis: 1 })
  return b.op('Mul', [cast(b, cast(b, lanes, 'uint32'), 'float32'), b.scalar(2 ** -precision)])
}

/** The dtype and shape of the state that a step's random numbers follow from: seed low, seed high, step low, step high. */
export const RANDOM_STATE: { readonly dtype: DType; readonly shape: readonly number[] } = {
  dtype: 'uint32',
  shape: [4],
}

/**
 * The random numbers of one step. Draws get stream numbers in the order in which they are asked for.
 *
 * @param b the outermost builder; draws may stand in graphs inside it.
 * @param state uint32 `[4]`: seed low, seed high, step low, step high.
 */
export function createRandomStream(b: Builder, state: Value): RandomStream {
  let shared: RandomState | null = null
  let stream = 0
  return {
    uniform(inner, shape, precision = 24) {
      const count = sizeOf(shape)
      if (count === 0) return inner.full(shape, 0)
      shared ??= prepare(b, state)
      const lanes = precision === 16 ? 8 : 4
      const blocks = Math.ceil(count / lanes)
      const numbers = toUniform(inner, randomWords(inner, shared, stream++, blocks), precision)
      if (blocks * lanes === count) return inner.op('Reshape', [numbers, inner.ints(shape)])
      const flat = inner.op('Reshape', [numbers, inner.ints([-1])])
      return inner.op('Reshape', [inner.op('Slice', [flat, inner.ints([0]), inner.ints([count])]), inner.ints(shape)])
    },
  }
}
