import { RekindleError } from '../errors.ts'
import type { Builder, Graph, Value } from '../graph/index.ts'
import { isKernelName, type Kernels, loadKernels } from '../kernels/index.ts'
import { encodeModel } from '../onnx/index.ts'
import { newBuilder } from '../ops/index.ts'
import { Tensor } from '../tensor/index.ts'
import type { Floats, ParameterMemory, WasmBlocks } from './memory.ts'
import type { Engine } from './types.ts'

/** What the runtime needs of an optimizer's record; `nn/types.ts` says what each part means. */
export interface OptimizerProgram<C> {
  readonly slots: (config: C) => readonly (readonly { readonly name: string; readonly fill: number }[])[]
  readonly update: (
    b: Builder,
    x: {
      readonly param: Value
      readonly grad: Value
      readonly slots: Readonly<Record<string, Value>>
      readonly step: Value
      readonly learningRate: Value
    },
    config: C,
  ) => { readonly param: Value; readonly slots: Readonly<Record<string, Value>> }
  readonly kernel?: (config: C) => KernelCall
}

interface KernelCall {
  readonly name: string
  readonly slots: readonly string[]
  readonly scalars: (step: number, learningRate: number) => readonly number[]
}

export interface OptimizerStepOptions<C> {
  readonly engine: Engine
  readonly def: OptimizerProgram<C>
  readonly config: C & { readonly weight_decay: number | null }
  /** Its slots are those of the record, group after group (`slotFills`). */
  readonly memory: ParameterMemory
  /** Which weights the weight decay acts on; all when left out. */
  readonly decayed?: readonly boolean[]
  /** False forces the in-graph form; the default takes the kernel wherever it can run. */
  readonly useKernel?: boolean
}

/** One optimizer over the weights of one memory. Gradients are read from the memory, already clipped. */
export interface OptimizerStep {
  readonly form: 'kernel' | 'graph'
  /**
   * Weight decay, then the update, in place.
   *
   * @param step counts from 1
   * @param learningRate the current value, after any schedule
   * @returns a promise only where the engine has no synchronous run
   */
  apply(step: number, learningRate: number): void | Promise<void>
  /** The live view of a slot of weight i. */
  slot(name: string, i: number): Floats
  close(): Promise<void>
}

/** What fills each slot at the start: the `fills` of `allocateParameters`. */
export function slotFills<C>(def: OptimizerProgram<C>, config: C): readonly number[] {
  return def.slots(config).flatMap((group) => group.map(({ fill }) => fill))
}

/**
 * The optimizer as a SIMD kernel over the whole memory, or in its in-graph form: where the record has no kernel, the
 * memory is not WebAssembly's, or SIMD is missing. Both give the same numbers.
 */
export async function createOptimizerStep<C>(options: OptimizerStepOptions<C>): Promise<OptimizerStep> {
  const { def, config, memory, useKernel = true } = options
  const names = def.slots(config).flatMap((group) => group.map(({ name }) => name))
  if (names.length !== memory.slots.length) {
    throw new RekindleError('E_INVALID_STATE', 'this memory was laid out for another optimizer', {
      expected: `${names.length} slots per weight`,
      received: String(memory.slots.length),
    })
  }
  const slot = (name: string, i: number): Floats => {
    const view = memory.slots[names.indexOf(name)]?.[i]
    if (view) return view
    throw new RekindleError('E_INVALID_ARGUMENT', `no slot ${name} of weight ${i}`, { expected: names.join(', ') })
  }
  const call = useKernel && memory.parameters.length > 0 ? def.kernel?.(config) : undefined
  if (call && memory.wasm && isKernelName(call.name)) {
    const kernels = await loadKernels(memory.wasm.memory)
    if (kernels) return { form: 'kernel', slot, ...kernelForm(kernels, call, names, memory.wasm, options) }
  }
  return { form: 'graph', slot, ...(await graphForm(names, options)) }
}

type Form = Pick<OptimizerStep, 'apply' | 'close'>

function kernelForm<C>(
  kernels: Kernels,
  { name, slots, scalars }: KernelCall,
  names: readonly string[],
  blocks: WasmBlocks,
  { config, memory, decayed }: OptimizerStepOptions<C>,
): Form {
  if (!isKernelName(name)) throw new RekindleError('E_INVALID_ARGUMENT', `no kernel ${name}`)
  const pointers = [
    blocks.parameters,
    blocks.gradients,
    ...slots.map((slot) => blocks.slots[names.indexOf(slot)] as number),
  ]
  const shrunk = decayed?.includes(false)
    ? memory.parameters.filter((_, i) => decayed[i]).map(({ byteOffset, length }) => ({ byteOffset, length }))
    : [{ byteOffset: blocks.parameters, length: blocks.length }]
  const decay = config.weight_decay
  return {
    apply(step, learningRate) {
      if (decay !== null) {
        for (const { byteOffset, length } of shrunk) kernels.run('decay', [byteOffset], length, [decay, learningRate])
      }
      kernels.run(name, pointers, blocks.length, scalars(step, learningRate))
    },
    async close() {},
  }
}

async function graphForm<C>(names: readonly string[], options: OptimizerStepOptions<C>): Promise<Form> {
  const { engine, memory } = options
  if (memory.parameters.length === 0) return { apply() {}, async close() {} }
  const session = await engine.open(encodeModel(updateGraph(names, options)))
  const step = new Tensor('float32', [], new Float32Array(1))
  const learningRate = new Tensor('float32', [], new Float32Array(1))
  const feeds: Record<string, Tensor> = { step, learning_rate: learningRate }
  // Outputs get memory of their own: an engine may write an output before it has read all of an aliased input.
  const into: Record<string, Tensor> = {}
  const copies: { readonly from: Floats; readonly to: Floats }[] = []
  for (const [i, shape] of memory.shapes.entries()) {
    for (const [name, view] of inOrder(names, memory, i)) {
      const from = new Float32Array(view.length)
      feeds[`${name}_${i}`] = new Tensor('float32', shape, view)
      into[session.outputs[copies.length] as string] = new Tensor('float32', shape, from)
      copies.push({ from, to: view })
    }
    feeds[`gradient_${i}`] = new Tensor('float32', shape, memory.gradients[i] as Floats)
  }
  const copyBack = (): void => {
    for (const { from, to } of copies) to.set(from)
  }
  return {
    apply(count, rate) {
      step.data[0] = count
      learningRate.data[0] = rate
      if (!session.runSync) return session.run(feeds, into).then(copyBack)
      session.runSync(feeds, into)
      copyBack()
    },
    close: () => session.close(),
  }
}

/** What an update of weight i changes, in the order of the graph's outputs. */
function inOrder(names: readonly string[], memory: ParameterMemory, i: number): readonly [string, Floats][] {
  const views = [memory.parameters, ...memory.slots].map((block) => block[i] as Floats)
  return views.map((view, k) => [k === 0 ? 'parameter' : (names[k - 1] as string), view])
}

/** All updates in one graph. */
function updateGraph<C>(names: readonly string[], { def, config, memory, decayed }: OptimizerStepOptions<C>): Graph {
  const b = newBuilder()
  const step = b.input('step', 'float32', [])
  const learningRate = b.input('learning_rate', 'float32', [])
  const outputs: Value[] = []
  for (const [i, shape] of memory.shapes.entries()) {
    const weight = b.input(`parameter_${i}`, 'float32', shape)
    const grad = b.input(`gradient_${i}`, 'float32', shape)
    const slots = Object.fromEntries(names.map((name) => [name, b.input(`${name}_${i}`, 'float32', shape)]))
    const decay = decayed?.[i] === false ? null : config.weight_decay
    const param = decay === null ? weight : decayedWeight(b, weight, decay, learningRate)
    const next = def.update(b, { param, grad, slots, step, learningRate }, config)
    outputs.push(next.param, ...names.map((name) => next.slots[name] as Value))
  }
  return b.build(outputs)
}

/** Decoupled weight decay as Keras rounds it: `w − (w·wd)·lr`. */
function decayedWeight(b: Builder, weight: Value, decay: number, learningRate: Value): Value {
  return b.op('Sub', [weight, b.op('Mul', [b.op('Mul', [weight, b.scalar(decay)]), learningRate])])
}
