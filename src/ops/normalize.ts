import type { Builder, Dim, GradContext, OpTable, Value } from '../graph/index.ts'
import { normalizeAxis } from '../tensor/index.ts'
import { broadcastShapes, joinDims, joinShapes } from './dims.ts'
import { Formula } from './math.ts'
import { each, firstOf, type Inference, noGradient, row } from './row.ts'

function axesFrom(axis: number, rank: number): readonly number[] {
  return Array.from({ length: rank - axis }, (_, n) => axis + n)
}

/**
 * With x̂ = (x − mean)·r and s = dy·scale:
 *
 *     dx = r·(s − mean(s) − x̂·mean(s·x̂)),  dscale = dy·x̂,  dB = dy
 */
function layerNormalizationGradient(g: GradContext<'LayerNormalization'>): readonly (Value | null)[] {
  const { b, attrs } = g
  const [x, scale] = g.x as readonly [Value, Value]
  const dy = g.dy[0]
  if (g.dy[1] || g.dy[2]) throw noGradient('LayerNormalization', 'use of the first output only')
  if (!dy) return []
  if (x.dtype !== 'float32' && x.dtype !== 'float64') throw noGradient('LayerNormalization', 'float32 or float64')
  const m = new Formula(b, x.dtype)
  const axes = b.ints(axesFrom(normalizeAxis(attrs.axis, x.shape.length), x.shape.length))
  const mean = (value: Value): Value => b.op('ReduceMean', [value, axes])
  const centred = m.sub(x, mean(x))
  const inverse = m.div(1, m.sqrt(m.add(mean(m.square(centred)), attrs.epsilon)))
  const normal = m.mul(centred, inverse)
  return each(
    g,
    () => {
      const share = m.mul(dy, scale)
      return m.mul(inverse, m.sub(m.sub(share, mean(share)), m.mul(normal, mean(m.mul(share, normal)))))
    },
    () => m.mul(dy, normal),
    () => dy,
  )
}

/** A vector of one value per channel, ready to broadcast against [N, C, …]. */
function perChannel(b: Builder, x: Value, rank: number): Value {
  return rank <= 2 ? x : b.op('Unsqueeze', [x, b.ints(axesFrom(2, rank).map((axis) => axis - 1))])
}

/** y = (x − mean)·scale / √(var + ε) + B with stored statistics; per-channel gradients sum over everything else. */
function batchNormalizationGradient(g: GradContext<'BatchNormalization'>): readonly (Value | null)[] {
  const { b, attrs } = g
  if (attrs.training_mode) throw noGradient('BatchNormalization', 'training_mode=0: training composes it from sums')
  const [x, scale, , mean, variance] = g.x as readonly [Value, Value, Value, Value, Value]
  const m = new Formula(b, x.dtype)
  const dy = firstOf(g)
  const rank = x.shape.length
  const others = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  const channelSum = (value: Value): Value => m.sum(value, others, 0)
  const inverse = m.div(1, m.sqrt(m.add(variance, attrs.epsilon)))
  const centred = (): Value => m.sub(x, perChannel(b, mean, rank))
  const slope = m.mul(scale, inverse)
  return each(
    g,
    () => m.mul(dy, perChannel(b, slope, rank)),
    () => m.mul(channelSum(m.mul(dy, centred())), inverse),
    () => channelSum(dy),
    () => m.neg(m.mul(channelSum(dy), slope)),
    () => m.mul(m.mul(channelSum(m.mul(dy, centred())), slope), m.mul(m.square(inverse), -0.5)),
  )
}

function inferBatchNormalization(i: Inference<'BatchNormalization'>) {
  const shape = i.shape(0)
  const channels = shape[1] ?? 1
  for (const n of [1, 2, 3, 4]) {
    const [size, ...more] = i.shape(n)
    if (size === undefined || more.length > 0 || joinDims(size, channels) === undefined)
      i.fail(`vectors of ${channels}`)
  }
  const outputs = [i.like(shape)]
  return i.attrs.training_mode
    ? [...outputs, i.like(i.shape(3), i.at(3).dtype), i.like(i.shape(4), i.at(4).dtype)]
    : outputs
}

export const NORMALIZE = {
  LayerNormalization: row('LayerNormalization', {
    infer: (i) => {
      const shape = i.shape(0)
      const axis = i.axis(i.attrs.axis, shape.length)
      const fits = (part: readonly Dim[]): boolean => {
        const joined = broadcastShapes([part, shape])
        return joined !== undefined && joinShapes(joined, shape) !== undefined
      }
      if (!fits(i.shape(1)) || (i.x[2] && !fits(i.shape(2)))) i.fail('scale and bias that broadcast to the shape of x')
      const kept = shape.map((dim, n) => (n < axis ? dim : 1))
      return [i.like(shape), i.like(kept, 'float32'), i.like(kept, 'float32')]
    },
    grad: layerNormalizationGradient,
  }),
  BatchNormalization: row('BatchNormalization', {
    infer: inferBatchNormalization,
    grad: batchNormalizationGradient,
  }),
} satisfies Partial<OpTable>
