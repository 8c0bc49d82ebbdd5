import type { GradContext, OpTable, Value } from '../graph/index.ts'
import {
  castTensor,
  DTYPES,
  type DType,
  dtypeFromOnnx,
  isFloat,
  isInteger,
  isRawFloat,
  type Tensor,
} from '../tensor/index.ts'
import { firstOf, row } from './row.ts'

/** The gradient comes back in the dtype it left; rounding counts as the identity. */
function castBack(g: GradContext<'Cast'> | GradContext<'CastLike'>): readonly (Value | null)[] {
  const from = (g.x[0] as Value).dtype
  return [g.need(0) ? g.b.op('Cast', [firstOf(g)], { to: DTYPES[from].onnx }) : null]
}

/** Conversions that JavaScript's typed arrays make just as the engine does. */
function foldCast(x: Tensor | null | undefined, dtype: DType): readonly Tensor[] | null {
  if (!x || isRawFloat(dtype) || ['string', 'complex'].includes(DTYPES[dtype].kind)) return null
  // What a float outside the integer's range becomes is the engine's affair.
  if (
    isFloat(x.dtype) &&
    isInteger(dtype) &&
    !Array.from(x.data as ArrayLike<number>).every((v) => Math.abs(v) < 2 ** 31)
  ) {
    return null
  }
  if (isFloat(x.dtype) && DTYPES[dtype].kind === 'uint') return null
  return [castTensor(x, dtype)]
}

export const CAST = {
  Cast: row('Cast', {
    infer: (i) => {
      const dtype = dtypeFromOnnx(i.attrs.to) ?? i.fail(`a dtype, not number ${i.attrs.to}`, 'E_INVALID_DTYPE')
      const content = isInteger(dtype) && isInteger(i.at(0).dtype) ? i.x[0]?.content : undefined
      return [{ ...i.like(i.shape(0), dtype), content }]
    },
    grad: castBack,
    fold: ([x], { to }) => foldCast(x, dtypeFromOnnx(to) as DType),
  }),
  CastLike: row('CastLike', {
    infer: (i) => [i.like(i.shape(0), i.at(1).dtype)],
    grad: castBack,
    fold: ([x, like]) => (like ? foldCast(x, like.dtype) : null),
  }),
} satisfies Partial<OpTable>
