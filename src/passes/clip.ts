import { RekindleError } from '../errors.ts'
import type { Builder, Value } from '../graph/index.ts'
import { DTYPES } from '../tensor/index.ts'

/** Keras's three ways to bound gradients; at most one may be set. null and 0 mean: not set. */
export interface ClipSettings {
  /** Largest norm of each gradient by itself. */
  readonly clipnorm?: number | null
  /** Largest norm of all gradients together. */
  readonly global_clipnorm?: number | null
  /** Largest absolute value of an element. */
  readonly clipvalue?: number | null
}

/**
 * Gradients bounded as Keras bounds them (keras/src/optimizers/base_optimizer.py), in their order.
 *
 * - clipnorm: `g·c / max(‖g‖, c)` for each gradient;
 * - global_clipnorm: `g·s`, `s = c·min(1/n, 1/c) + (n − n)` with n the norm of all gradients together: a norm that is
 *   not finite makes every gradient NaN;
 * - clipvalue: each element into `[−c, c]`.
 *
 * @throws RekindleError `E_INVALID_ARGUMENT` when more than one is set.
 */
export function clipGradients(b: Builder, grads: readonly Value[], settings: ClipSettings): readonly Value[] {
  const given = Object.entries(CLIPS).filter(([name]) => isSet(settings[name as ClipName]))
  if (given.length > 1) {
    throw new RekindleError('E_INVALID_ARGUMENT', 'gradient clipping', {
      expected: 'only one of clipnorm, global_clipnorm and clipvalue',
      received: given.map(([name]) => name).join(', '),
    })
  }
  const [chosen] = given
  if (chosen === undefined || grads.length === 0) return grads
  const [name, clip] = chosen
  return clip(b, grads, settings[name as ClipName] as number)
}

type ClipName = keyof ClipSettings
type Clip = (b: Builder, grads: readonly Value[], bound: number) => readonly Value[]

const CLIPS: Readonly<Record<ClipName, Clip>> = {
  clipnorm: (b, grads, bound) =>
    grads.map((g) => {
      const c = scalarLike(b, bound, g)
      return b.op('Div', [b.op('Mul', [g, c]), b.op('Max', [b.op('Sqrt', [sumOfSquares(b, g)]), c])])
    }),
  global_clipnorm: (b, grads, bound) => {
    const [first] = grads as [Value]
    const squares = grads.map((g) => cast(b, sumOfSquares(b, g), first))
    const norm = b.op('Sqrt', [squares.length === 1 ? (squares[0] as Value) : b.op('Sum', squares)])
    const inverse = b.op('Div', [scalarLike(b, 1, first), norm])
    const least = b.op('Min', [inverse, scalarLike(b, 1 / bound, first)])
    const finite = b.op('Mul', [scalarLike(b, bound, first), least])
    const scale = b.op('Add', [finite, b.op('Sub', [norm, norm])])
    return grads.map((g) => b.op('Mul', [g, cast(b, scale, g)]))
  },
  clipvalue: (b, grads, bound) =>
    grads.map((g) => b.op('Min', [b.op('Max', [g, scalarLike(b, -bound, g)]), scalarLike(b, bound, g)])),
}

function isSet(bound: number | null | undefined): boolean {
  return typeof bound === 'number' && bound > 0
}

function sumOfSquares(b: Builder, g: Value): Value {
  return b.op('ReduceSum', [b.op('Mul', [g, g])], { keepdims: 0 })
}

function scalarLike(b: Builder, x: number, like: Value): Value {
  return b.scalar(x, like.dtype)
}

function cast(b: Builder, x: Value, like: Value): Value {
  return x.dtype === like.dtype ? x : b.op('Cast', [x], { to: DTYPES[like.dtype].onnx })
}
