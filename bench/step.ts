/**
 * One training step of the MLP 784-64-64-10 with Adam at batch 32, one thread: what the engine, the kernel and the
 * way the graph takes its parameters cost. Run: npx tsx bench/step.ts
 */
import type { Builder, Graph, Value } from '../src/graph/index.ts'
import { applyLoss, resolveLoss } from '../src/nn/losses/index.ts'
import { resolveOptimizer } from '../src/nn/optimizers/index.ts'
import { encodeModel } from '../src/onnx/index.ts'
import { newBuilder } from '../src/ops/index.ts'
import { trainStep, unpack } from '../src/passes/index.ts'
import {
  allocateParameters,
  createOptimizerStep,
  type ParameterMemory,
  type Session,
  slotFills,
} from '../src/runtime/index.ts'
import { loadEngine } from '../src/runtime/node.ts'
import { sizeOf, Tensor } from '../src/tensor/index.ts'

const BATCH = 32
const SIZES = [784, 64, 64, 10]
const SHAPES = SIZES.slice(1).flatMap((units, i) => [[SIZES[i] as number, units], [units]])
const ROUNDS = 40
const STEPS = 200

/** Dense layers with ReLU between them, a softmax, and its cross-entropy with class numbers. */
function loss(b: Builder, parameters: readonly Value[]): Value {
  let h = b.input('x', 'float32', [BATCH, SIZES[0] as number])
  for (let i = 0; i < parameters.length; i += 2) {
    h = b.op('Gemm', [h, parameters[i] as Value, parameters[i + 1] as Value])
    if (i + 2 < parameters.length) h = b.op('Relu', [h])
  }
  const labels = b.input('y', 'int64', [BATCH])
  return applyLoss(b, resolveLoss('sparse_categorical_crossentropy'), labels, b.op('Softmax', [h], { axis: -1 }))
}

/** Every parameter an input, every gradient an output. */
function separate(): Graph {
  const b = newBuilder()
  const parameters = SHAPES.map((shape, i) => b.input(`p${i}`, 'float32', shape))
  return trainStep(b, { loss: loss(b, parameters), parameters })
}

/** One vector of parameters that the graph cuts into pieces, one vector of gradients that it glues. */
function packed(): Graph {
  const b = newBuilder()
  const parameters = unpack(b, b.input('p', 'float32', [SHAPES.reduce((sum, shape) => sum + sizeOf(shape), 0)]), SHAPES)
  return trainStep(b, { loss: loss(b, parameters), parameters, packed: true })
}

let seed = 1
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed / 2 ** 32
}

const x = new Tensor('float32', [BATCH, 784], Float32Array.from({ length: BATCH * 784 }, random))
const y = new Tensor(
  'int64',
  [BATCH],
  BigInt64Array.from({ length: BATCH }, (_, i) => BigInt(i % 10)),
)

function initialize(memory: ParameterMemory): void {
  for (const [i, view] of memory.parameters.entries()) {
    const scale = Math.sqrt(6 / ((SHAPES[i]?.[0] ?? 1) + (SHAPES[i]?.[1] ?? 1)))
    if (SHAPES[i]?.length === 1) view.fill(0)
    else for (let j = 0; j < view.length; j++) view[j] = (random() * 2 - 1) * scale
  }
}

/** Time of one call in the best of many rounds, in milliseconds: what else the machine does only adds to it. */
function best(call: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let i = 0; i < STEPS; i++) call()
    least = Math.min(least, (performance.now() - start) / STEPS)
  }
  return least
}

function synchronous(session: Session): NonNullable<Session['runSync']> {
  if (!session.runSync) throw new Error('this engine has no synchronous run')
  return session.runSync
}

const report = (what: string, milliseconds: number): void =>
  console.log(`${what.padEnd(58)} ${milliseconds.toFixed(4)} ms`)

const engine = await loadEngine()
const { def, config } = resolveOptimizer('adam')
const fills = slotFills(def, config)
console.log(
  `${engine.description}, MLP ${SIZES.join('-')}, batch ${BATCH}, Adam, one thread; best of ${ROUNDS} x ${STEPS}`,
)

async function trial(name: string, graph: Graph, shapes: readonly (readonly number[])[], inputs: readonly string[]) {
  const memory = allocateParameters({ shapes, fills })
  if (shapes === SHAPES) initialize(memory)
  const session = await engine.open(encodeModel(graph))
  const run = synchronous(session)
  const [lossName = '', ...gradientNames] = session.outputs
  const value = new Tensor('float32', [], new Float32Array(1))
  const feeds: Record<string, Tensor> = { x, y }
  const into: Record<string, Tensor> = { [lossName]: value }
  for (const [i, shape] of shapes.entries()) {
    feeds[inputs[i] as string] = new Tensor('float32', shape, memory.parameters[i] as Float32Array<ArrayBuffer>)
    into[gradientNames[i] as string] = new Tensor('float32', shape, memory.gradients[i] as Float32Array<ArrayBuffer>)
  }
  report(
    `${name}: gradients`,
    best(() => run(feeds, into)),
  )
  for (const useKernel of [true, false]) {
    let step = 0
    const optimizer = await createOptimizerStep({ engine, def, config, memory, useKernel })
    const form = useKernel ? 'kernel' : 'in-graph optimizer'
    report(
      `${name}: ${form} alone`,
      best(() => void optimizer.apply(++step, 1e-3)),
    )
    const time = best(() => {
      run(feeds, into)
      void optimizer.apply(++step, 1e-3)
    })
    report(`${name}: whole step, ${form}`, time)
    await optimizer.close()
  }
  await session.close()
}

const names = SHAPES.map((_, i) => `p${i}`)
await trial('separate tensors', separate(), SHAPES, names)
await trial('one packed vector', packed(), [[SHAPES.reduce((sum, shape) => sum + sizeOf(shape), 0)]], ['p'])
