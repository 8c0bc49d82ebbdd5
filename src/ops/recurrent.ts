import type { Dim, OpTable, Type } from '../graph/index.ts'
import { joinDims } from './dims.ts'
import { type Inference, row } from './row.ts'

type RecurrentOp = 'RNN' | 'GRU' | 'LSTM'

/**
 * X [time, batch, features], W [directions, gates·units, features], R [directions, gates·units, units] to all outputs
 * [time, directions, batch, units] and the last states [directions, batch, units]; with layout 1 the batch comes first.
 */
function infer<K extends RecurrentOp>(i: Inference<K>, gates: number, states: number): readonly Type[] {
  const { layout, direction } = i.attrs as { readonly layout: number; readonly direction: string }
  const [x, w, r] = [i.shape(0), i.shape(1), i.shape(2)]
  if (x.length !== 3 || w.length !== 3 || r.length !== 3) i.fail('X, W and R of rank 3')
  const [first, second, features] = x as [Dim, Dim, Dim]
  const units = r[2] as Dim
  const directions = direction === 'bidirectional' ? 2 : 1
  if (joinDims(w[2] as Dim, features) === undefined) i.fail('kernels for the features of X')
  if (typeof units === 'number' && w[1] !== gates * units) i.fail(`kernels of ${gates} gates`)
  const last = i.like(layout === 0 ? [directions, second, units] : [first, directions, units])
  const all = layout === 0 ? [first, directions, second, units] : [first, second, directions, units]
  return [i.like(all), ...Array.from({ length: states }, () => last)]
}

/** For inference only: training runs over time by Scan, which has a gradient. */
export const RECURRENT = {
  RNN: row('RNN', { infer: (i) => infer(i, 1, 1), grad: 'none' }),
  GRU: row('GRU', { infer: (i) => infer(i, 3, 1), grad: 'none' }),
  LSTM: row('LSTM', { infer: (i) => infer(i, 4, 2), grad: 'none' }),
} satisfies Partial<OpTable>
