import type { Builder, Type, Value } from '../../../graph/index.ts'
import { DTYPES } from '../../../tensor/index.ts'

export interface Sequence {
  /** `[time, batch, …]`. */
  readonly steps: Value
  /** Which steps count, `[batch, time]`; null for all. */
  readonly mask: Value | null
  /** States before the first step, each `[batch, units]`; the first is the output. */
  readonly states: readonly Value[]
  /** `[batch, units]` zeros: what a masked step gives before any other; null where the first state is zeros. */
  readonly silence: Value | null
  /** From the last step to the first; the outputs come in the order in which they are made. */
  readonly backwards: boolean
  /** Masked steps give zeros, not the output before them. */
  readonly zeroOutput: boolean
  /** Are the outputs of all steps wanted? */
  readonly stack: boolean
  readonly step: (b: Builder, x: Value, states: readonly Value[]) => readonly Value[]
}

export interface Scanned {
  /** The last step's output, `[batch, units]`. */
  readonly last: Value
  /** All outputs `[time, batch, units]`; null where they are not wanted. */
  readonly outputs: Value | null
  readonly states: readonly Value[]
}

/**
 * Runs a step over time by one Scan, whose gradient is another one that runs back. A masked step leaves the states
 * as they are and repeats the output before it: that is a state of its own where it differs from the first state.
 */
export function scanSequence(b: Builder, sequence: Sequence): Scanned {
  const { steps, mask, states, silence, backwards, zeroOutput, stack, step } = sequence
  const carried = mask && silence ? [...states, silence] : states
  const tracks = mask ? [steps, flags(b, mask)] : [steps]
  const body = b.subgraph([...carried.map(typeOf), ...tracks.map(sliceType)], (inner, inputs) => {
    const before = inputs.slice(0, states.length)
    const spoken = inputs.slice(states.length, carried.length)[0]
    const [x, present] = inputs.slice(carried.length) as [Value, Value | undefined]
    const fresh = step(inner, x, before)
    const choose = (value: Value, other: Value): Value => (present ? inner.op('Where', [present, value, other]) : value)
    const after = fresh.map((value, n) => choose(value, before[n] as Value))
    const made = fresh[0] as Value
    const output = spoken ? choose(made, zeroOutput ? inner.scalar(0, made.dtype) : spoken) : (after[0] as Value)
    return [...after, ...(spoken ? [output] : []), ...(stack ? [inner.op('Identity', [output])] : [])]
  })
  const reversed = backwards ? 1 : 0
  const results = b.ops(
    'Scan',
    [...carried, ...tracks],
    { body, num_scan_inputs: tracks.length, scan_input_directions: tracks.map(() => reversed) },
    carried.length + (stack ? 1 : 0),
  )
  return {
    last: results[carried.length > states.length ? states.length : 0] as Value,
    outputs: stack ? (results[carried.length] as Value) : null,
    states: results.slice(0, states.length),
  }
}

/** `[batch, time]` to bool `[time, batch, 1]`. */
function flags(b: Builder, mask: Value): Value {
  const bool = mask.dtype === 'bool' ? mask : b.op('Cast', [mask], { to: DTYPES.bool.onnx })
  return b.op('Unsqueeze', [b.op('Transpose', [bool], { perm: [1, 0] }), b.ints([2])])
}

function typeOf({ dtype, shape }: Value): Type {
  return { dtype, shape }
}

function sliceType({ dtype, shape }: Value): Type {
  return { dtype, shape: shape.slice(1) }
}
