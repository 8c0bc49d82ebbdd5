import { RekindleError } from '../../../errors.ts'
import { type Builder, concreteShape, type Value } from '../../../graph/index.ts'
import { sizeAlong } from '../../../ops/math.ts'
import { DTYPES, formatShape } from '../../../tensor/index.ts'
import type { CallArguments, CallResult, ConfigField, LayerContext, LayerDef } from '../../types.ts'
import { defineLayer, requireFraction, requireInteger } from '../define.ts'
import { type Cell, cellWeights, RECURRENT_FIELDS, type RecurrentConfig } from './cell.ts'
import { runNative } from './native.ts'
import { RecurrentKernel } from './recurrent-kernel.ts'
import { type Scanned, scanSequence } from './scan.ts'

/**
 * A layer that runs a cell over the time axis: `[batch, time, features]` to `[batch, units]`, or with
 * `return_sequences` to `[batch, time, units]`; with `return_state` the states follow as further outputs.
 * Further inputs, or the argument `initial_state`, are the states to begin with.
 */
export function recurrentLayer<C extends RecurrentConfig>(
  cell: Cell<C>,
  fields: { readonly [K in keyof C]?: ConfigField } = {},
): LayerDef {
  return defineLayer<C>({
    className: cell.className,
    defaults: cell.defaults,
    fields: { ...RECURRENT_FIELDS, ...fields },
    required: ['units'],
    supportsMasking: true,
    validate(config, where) {
      requireInteger(config.units, 1, 'units', where)
      requireFraction(config.dropout, 'dropout', where)
      requireFraction(config.recurrent_dropout, 'recurrent_dropout', where)
    },
    weights: (config) => cellWeights(cell, config),
    call: (context, inputs, args) => callCell(cell, context, inputs, args),
  })
}

function callCell<C extends RecurrentConfig>(
  cell: Cell<C>,
  context: LayerContext<C>,
  inputs: readonly Value[],
  args: CallArguments,
): CallResult {
  const { b, config, name } = context
  const [x, ...given] = [...inputs, ...stateArguments(args)] as [Value, ...Value[]]
  checkInputs(cell, config, x, given, name)
  const mask = args.masks[0] ?? null
  const { last, outputs, states } = runsNatively(context, mask)
    ? (native(cell, context, x, given) ?? overTime(cell, context, x, given, mask))
    : overTime(cell, context, x, given, mask)
  const output = outputs ? b.op('Transpose', [outputs], { perm: [1, 0, 2] }) : last
  const outputMask = config.return_sequences ? mask : null
  if (!config.return_state) return { outputs: [output], masks: [outputMask] }
  return { outputs: [output, ...states], masks: [outputMask, ...states.map(() => null)] }
}

/** ONNX's operators have no gradient, no masks, and another order of outputs when they run backwards. */
function runsNatively({ config, gradients }: LayerContext<RecurrentConfig>, mask: Value | null): boolean {
  return !gradients && !mask && !(config.go_backwards && config.return_sequences)
}

function native<C extends RecurrentConfig>(
  cell: Cell<C>,
  context: LayerContext<C>,
  x: Value,
  given: readonly Value[],
): Scanned | null {
  const { b, config, weight } = context
  const operator = cell.native(config)
  if (!operator) return null
  return runNative(b, operator, {
    steps: b.op('Transpose', [x], { perm: [1, 0, 2] }),
    kernel: weight('kernel'),
    recurrentKernel: weight('recurrent_kernel'),
    biases: biases(cell, context),
    states: given.length > 0 ? given : null,
    units: config.units,
    backwards: config.go_backwards,
    stack: config.return_sequences,
  })
}

function overTime<C extends RecurrentConfig>(
  cell: Cell<C>,
  context: LayerContext<C>,
  x: Value,
  given: readonly Value[],
  mask: Value | null,
): Scanned {
  const { b, config } = context
  const zeros = zeroState(b, x, config.units)
  const states = given.length > 0 ? given : Array.from({ length: cell.states }, () => zeros)
  const [inputBias, recurrentRow] = biases(cell, context)
  // One row for each sample: its gradient is then summed over the batch once, and not in every step.
  const recurrentBias =
    context.gradients && recurrentRow
      ? b.op('Add', [recurrentRow, zeroState(b, x, cell.gates * config.units)])
      : recurrentRow
  const perGate = config.recurrent_dropout > 0
  const recurrent = new RecurrentKernel(
    b,
    context.weight('recurrent_kernel'),
    recurrentBias,
    config.units,
    perGate ? noise(context, config.recurrent_dropout, states[0] as Value, cell.gates) : null,
  )
  return scanSequence(b, {
    steps: projectInput(cell, context, x, inputBias, perGate ? cell.gates : 1),
    mask,
    states,
    silence: given.length > 0 || config.zero_output_for_mask ? zeros : null,
    backwards: config.go_backwards,
    zeroOutput: config.zero_output_for_mask,
    stack: config.return_sequences,
    step: (inner, step, before) => cell.step({ b: inner, config, x: step, states: before, recurrent }),
  })
}

/** The states that a call was given by name: one, or a list. */
function stateArguments({ kwargs }: CallArguments): readonly Value[] {
  const given = (kwargs.initial_state ?? []) as Value | readonly Value[]
  return Array.isArray(given) ? given : [given as Value]
}

function checkInputs<C extends RecurrentConfig>(
  cell: Cell<C>,
  config: C,
  x: Value,
  states: readonly Value[],
  where: string,
): void {
  if (config.stateful) {
    throw new RekindleError('E_UNSUPPORTED_OPTION', 'a stateful layer cannot be run', {
      where,
      hint: 'set stateful to false; its states would start at zero with every batch',
    })
  }
  if (x.shape.length !== 3) {
    throw new RekindleError('E_INVALID_SHAPE', `${cell.className} runs over the steps of a sequence`, {
      where,
      expected: '[batch, time, features]',
      received: formatShape(x.shape),
    })
  }
  if (states.length > 0 && states.length !== cell.states) {
    throw new RekindleError('E_INVALID_ARGUMENT', `initial states of ${cell.className}`, {
      where,
      expected: String(cell.states),
      received: String(states.length),
    })
  }
}

/** `[batch, units]` zeros, for a batch that may be known at run time only. */
function zeroState(b: Builder, x: Value, units: number): Value {
  const [batch] = x.shape
  if (typeof batch === 'number') return b.full([batch, units], 0, x.dtype)
  const shape = b.op('Concat', [sizeAlong(b, x, 0), b.ints([units])], { axis: 0 })
  return b.op('Expand', [b.scalar(0, x.dtype), shape])
}

/** The bias of the inputs' product and that of the recurrent one. */
function biases<C extends RecurrentConfig>(
  cell: Cell<C>,
  { b, config, weight }: LayerContext<C>,
): readonly [input: Value | null, recurrent: Value | null] {
  if (!config.use_bias) return [null, null]
  const bias = weight('bias')
  if (!cell.separateBias?.(config)) return [bias, null]
  const rows = b.ops('Split', [bias], { axis: 0, num_outputs: 2 }, 2)
  const [input, recurrent] = rows.map((row) => b.op('Squeeze', [row, b.ints([0])]))
  return [input as Value, recurrent as Value]
}

/** All steps through the kernel at once, `[time, batch, gates · units]`: much faster than one by one in the loop. */
function projectInput<C extends RecurrentConfig>(
  cell: Cell<C>,
  context: LayerContext<C>,
  x: Value,
  bias: Value | null,
  draws: number,
): Value {
  const { b, config, weight } = context
  const steps = b.op('Transpose', [x], { perm: [1, 0, 2] })
  const kernel = weight('kernel')
  const masks = noise(context, config.dropout, x, draws)
  const product = !masks
    ? b.op('MatMul', [steps, kernel])
    : masks.length === 1
      ? b.op('MatMul', [b.op('Mul', [steps, masks[0] as Value]), kernel])
      : b.op('Concat', gateProducts(b, steps, kernel, masks, cell.gates), { axis: 2 })
  return bias ? b.op('Add', [product, bias]) : product
}

/** Each gate's inputs with noise of their own. */
function gateProducts(b: Builder, steps: Value, kernel: Value, masks: readonly Value[], gates: number): Value[] {
  const blocks = b.ops('Split', [kernel], { axis: 1, num_outputs: gates }, gates)
  return masks.map((mask, gate) => b.op('MatMul', [b.op('Mul', [steps, mask]), blocks[gate] as Value]))
}

/**
 * Dropout that is the same for all steps of a sequence: `draws` factors of 0 or 1 / (1 - rate), `[batch, features]`.
 * Null outside training, and as in Keras for a rate of 1.
 */
function noise<C extends RecurrentConfig>(
  { b, training, random, name }: LayerContext<C>,
  rate: number,
  like: Value,
  draws: number,
): readonly Value[] | null {
  if (!training || rate === 0 || rate === 1) return null
  const [batch, , ...features] = like.shape.length === 3 ? like.shape : [like.shape[0], null, like.shape[1]]
  const shape = concreteShape([batch, ...features] as number[], name)
  return Array.from({ length: draws }, () => {
    const keep = b.op('GreaterOrEqual', [random.uniform(b, shape, 16), b.scalar(rate)])
    return b.op('Mul', [b.op('Cast', [keep], { to: DTYPES[like.dtype].onnx }), b.scalar(1 / (1 - rate), like.dtype)])
  })
}
