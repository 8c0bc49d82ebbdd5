import type { Builder, Value } from '../../../graph/index.ts'
import { resolveActivation } from '../../activations/index.ts'
import type { Identifier } from '../../types.ts'
import type { Scanned } from './scan.ts'

/** ONNX's own operator for a cell: faster than a loop, without a gradient. */
export interface NativeCell {
  readonly op: 'RNN' | 'GRU' | 'LSTM'
  /** Keras's gates in ONNX's order. */
  readonly gates: readonly number[]
  readonly attrs: { readonly activations?: readonly string[]; readonly linear_before_reset?: number }
}

/** Is it this activation function, without arguments of its own? */
export function isActivation(identifier: Identifier, name: string): boolean {
  return typeof identifier === 'string' && resolveActivation(identifier).def.className === name
}

export interface NativeRun {
  /** `[time, batch, features]`. */
  readonly steps: Value
  readonly kernel: Value
  readonly recurrentKernel: Value
  readonly biases: readonly [input: Value | null, recurrent: Value | null]
  /** Null for zeros. */
  readonly states: readonly Value[] | null
  readonly units: number
  readonly backwards: boolean
  readonly stack: boolean
}

/** The whole sequence by one operator. Run backwards it gives its outputs in the order of the inputs. */
export function runNative(b: Builder, { op, gates, attrs }: NativeCell, run: NativeRun): Scanned {
  const { steps, kernel, recurrentKernel, biases, states, units, backwards, stack } = run
  const ordered = (value: Value): Value => {
    if (gates.every((gate, i) => gate === i)) return value
    const blocks = b.ops('Split', [value], { axis: -1, num_outputs: gates.length }, gates.length)
    return b.op(
      'Concat',
      gates.map((gate) => blocks[gate] as Value),
      { axis: -1 },
    )
  }
  const only = (value: Value): Value => b.op('Unsqueeze', [value, b.ints([0])])
  const matrix = (value: Value): Value => only(b.op('Transpose', [ordered(value)], { perm: [1, 0] }))
  const columns = gates.length * units
  const vector = (bias: Value | null): Value => (bias ? ordered(bias) : b.full([columns], 0))
  const bias = biases.some((row) => row) ? only(b.op('Concat', biases.map(vector), { axis: 0 })) : null
  const initial = states?.map(only) ?? []
  const [outputs, ...last] = b.ops(
    op,
    [steps, matrix(kernel), matrix(recurrentKernel), bias, null, ...initial],
    { ...attrs, hidden_size: units, direction: backwards ? 'reverse' : 'forward' },
    op === 'LSTM' ? 3 : 2,
  ) as [Value, ...Value[]]
  const after = last.map((state) => b.op('Squeeze', [state, b.ints([0])]))
  return {
    last: after[0] as Value,
    outputs: stack ? b.op('Squeeze', [outputs, b.ints([1])]) : null,
    states: after,
  }
}
