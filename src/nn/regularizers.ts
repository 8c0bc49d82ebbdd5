import { RekindleError } from '../errors.ts'
import type { Builder, Value } from '../graph/index.ts'
import { formatShape, sizeOf, Tensor } from '../tensor/index.ts'
import { Formula, reduce } from './formula.ts'
import { type CamelOptions, configFromOptions } from './naming.ts'
import { createRegistry, factory, type ObjectIdentifier, type Row } from './registry.ts'
import type { Identifier, JsonObject } from './types.ts'

/** A penalty on a weight. */
export interface RegularizerDef<C = object> extends Row<C> {
  /** A scalar. */
  readonly apply: (b: Builder, weight: Value, config: C) => Value
}

const row = <C>(def: RegularizerDef<C>): RegularizerDef<C> => def

const sumOfSizes = (b: Builder, x: Value): Value => reduce(b, 'ReduceSum', b.op('Abs', [x]))
const sumOfSquares = (b: Builder, x: Value): Value => reduce(b, 'ReduceSum', b.op('Mul', [x, x]))

/** Null is Keras's default. */
const factor = (given: number | null, otherwise: number): number => {
  const x = given ?? otherwise
  if (typeof x === 'number' && x >= 0 && x < Number.POSITIVE_INFINITY) return x
  throw new RekindleError('E_INVALID_CONFIG', 'regularizer factor', {
    expected: 'a number of at least 0',
    received: JSON.stringify(given),
  })
}

interface OrthogonalConfig {
  readonly factor: number
  readonly mode: string
}

/** factor · mean over pairs of rows (or columns) of |cosine of their angle|. */
function orthogonal(b: Builder, weight: Value, { factor, mode }: OrthogonalConfig): Value {
  const m = new Formula(b, weight.dtype)
  const [rows, columns] = weight.shape
  if (weight.shape.length !== 2 || typeof rows !== 'number' || typeof columns !== 'number') {
    throw new RekindleError('E_INVALID_SHAPE', 'OrthogonalRegularizer', {
      expected: 'a weight of rank 2',
      received: formatShape(weight.shape),
    })
  }
  const byRows = mode === 'rows'
  const size = byRows ? rows : columns
  const inverseNorm = m.div(1, m.sqrt(m.sum(m.square(weight), [byRows ? 1 : 0])))
  const unit = m.mul(weight, b.op('Min', [inverseNorm, m.value(1e7)]))
  const turned = b.op('Transpose', [unit], { perm: [1, 0] })
  const cosines = b.op('MatMul', byRows ? [unit, turned] : [turned, unit])
  const others = b.constant(new Tensor('float32', [size, size], offDiagonal(size)))
  return m.mul(sumOfSizes(b, m.mul(cosines, others)), factor / (size * (size - 1)))
}

function offDiagonal(size: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(sizeOf([size, size])).fill(1)
  for (let i = 0; i < size; i++) out[i * (size + 1)] = 0
  return out
}

const REGULARIZERS = {
  l1: row<{ readonly l1: number | null }>({
    className: 'L1',
    defaults: { l1: 0.01 },
    apply: (b, w, { l1 }) => new Formula(b, w.dtype).mul(sumOfSizes(b, w), factor(l1, 0.01)),
  }),
  l2: row<{ readonly l2: number | null }>({
    className: 'L2',
    defaults: { l2: 0.01 },
    apply: (b, w, { l2 }) => new Formula(b, w.dtype).mul(sumOfSquares(b, w), factor(l2, 0.01)),
  }),
  l1l2: row<{ readonly l1: number | null; readonly l2: number | null }>({
    className: 'L1L2',
    aliases: ['l1_l2'],
    defaults: { l1: 0, l2: 0 },
    apply(b, w, config) {
      const m = new Formula(b, w.dtype)
      const l1 = factor(config.l1, 0)
      const l2 = factor(config.l2, 0)
      if (l2 === 0) return l1 === 0 ? m.value(0) : m.mul(sumOfSizes(b, w), l1)
      const squares = m.mul(sumOfSquares(b, w), l2)
      return l1 === 0 ? squares : m.add(m.mul(sumOfSizes(b, w), l1), squares)
    },
  }),
  orthogonalRegularizer: row<OrthogonalConfig>({
    className: 'OrthogonalRegularizer',
    defaults: { factor: 0.01, mode: 'rows' },
    apply: orthogonal,
  }),
}

export const regularizerRegistry = createRegistry<RegularizerDef<JsonObject>>(
  { kind: 'regularizer', module: 'keras.regularizers' },
  Object.values(REGULARIZERS),
)

/** The penalty that a weight adds to the loss, a scalar. */
export function applyRegularizer(b: Builder, identifier: Exclude<Identifier, null>, weight: Value): Value {
  const { def, config } = regularizerRegistry.resolve(identifier)
  return def.apply(b, weight, config)
}

/** A factory that takes its only option as a plain number too: `regularizers.l2(0.01)`. */
function penalty<K extends 'l1' | 'l2'>(key: K) {
  type Options = CamelOptions<{ readonly [P in K]: number | null }>
  return (amount: number | Options = {}): ObjectIdentifier => ({
    class_name: REGULARIZERS[key].className,
    config: typeof amount === 'number' ? { [key]: amount } : configFromOptions(amount, [key], key),
  })
}

export const regularizers = {
  l1: penalty('l1'),
  l2: penalty('l2'),
  l1l2: factory(REGULARIZERS.l1l2),
  orthogonalRegularizer: factory(REGULARIZERS.orthogonalRegularizer),
}
