import { afterEach, describe, expect, it, vi } from 'vitest'
import { RekindleError } from '../../src/errors.ts'
import type { Builder, Value } from '../../src/graph/index.ts'
import { encodeModel } from '../../src/onnx/index.ts'
import { newBuilder } from '../../src/ops/index.ts'
import { loadEngine } from '../../src/runtime/node.ts'
import { translateError } from '../../src/runtime/ort-session.ts'
import type { Engine, Session } from '../../src/runtime/types.ts'
import { loadWasmEngine } from '../../src/runtime/wasm-engine.ts'
import { type DType, Tensor, tensor } from '../../src/tensor/index.ts'

const ENGINES = [
  { kind: 'native', load: () => loadEngine() },
  { kind: 'wasm', load: () => loadWasmEngine(1) },
]

function open(engine: Engine, build: (b: Builder) => readonly Value[]): Promise<Session> {
  const b = newBuilder()
  return engine.open(encodeModel(b.build(build(b))))
}

/** `y = x·w` with a free batch. */
const product = (b: Builder): readonly Value[] => [
  b.op('MatMul', [b.input('x', 'float32', ['batch', 3]), b.input('w', 'float32', [3, 2])]),
]

const x = tensor([[1, 2, 3]])
const w = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
])

const failure = async (run: Promise<unknown>): Promise<RekindleError> => {
  const error = await run.then(
    () => expect.fail('nothing was thrown'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(RekindleError)
  return error as RekindleError
}

describe.each(ENGINES)('$kind engine', ({ kind, load }) => {
  it('says what it is', async () => {
    const engine = await load()
    expect(engine.kind).toBe(kind)
    expect(engine.description).toMatch(/^onnxruntime-(node|web) \d+\.\d+\.\d+/)
  })

  it('runs a graph, its names in order', async () => {
    const session = await open(await load(), product)
    expect(session.inputs).toEqual(['x', 'w'])
    const [name = ''] = session.outputs
    const y = (await session.run({ x, w }))[name]
    expect(y).toEqual(new Tensor('float32', [1, 2], Float32Array.of(22, 28)))
    await session.close()
  })

  it('keeps runs apart that overlap', async () => {
    const engine = await load()
    const sum = async (terms: number): Promise<() => Promise<number>> => {
      const names = Array.from({ length: terms }, (_, i) => `t${i}`)
      const session = await open(engine, (b) => [
        b.op(
          'Sum',
          names.map((name) => b.input(name, 'float32', [1])),
        ),
      ])
      const feeds = Object.fromEntries(names.map((name, i) => [name, tensor([i])]))
      return async () => Number((await session.run(feeds))[session.outputs[0] as string]?.data[0])
    }
    const sums = await Promise.all(Array.from({ length: 12 }, (_, i) => sum(1 + ((i * 5) % 12))))
    for (let round = 0; round < 5; round++) {
      const results = await Promise.all(sums.map((run) => run()))
      expect(results).toEqual(sums.map((_, i) => (((i * 5) % 12) * (1 + ((i * 5) % 12))) / 2))
    }
  })

  it.each<[DType, Tensor]>([
    ['float32', tensor([1.5, -2])],
    ['float64', tensor([1.5, -2], { dtype: 'float64' })],
    ['float16', new Tensor('float16', [2], Uint16Array.of(0x3c00, 0xc000))],
    ['int8', tensor([1, -2], { dtype: 'int8' })],
    ['int16', tensor([1, -2], { dtype: 'int16' })],
    ['int32', tensor([1, -2], { dtype: 'int32' })],
    ['int64', tensor([2n ** 60n, -2n])],
    ['uint8', tensor([1, 255], { dtype: 'uint8' })],
    ['uint16', tensor([1, 65535], { dtype: 'uint16' })],
    ['uint32', tensor([1, 4294967295], { dtype: 'uint32' })],
    ['uint64', new Tensor('uint64', [2], BigUint64Array.of(1n, 2n ** 63n))],
    ['bool', tensor([true, false])],
    ['string', tensor(['a', 'ü'])],
  ])('takes and gives %s', async (dtype, value) => {
    const session = await open(await load(), (b) => [b.op('Identity', [b.input('x', dtype, [2])])])
    const [name = ''] = session.outputs
    expect((await session.run({ x: value }))[name]).toEqual(value)
    await session.close()
  })

  it('takes scalars and empty tensors', async () => {
    const session = await open(await load(), (b) => [
      b.op('Add', [b.input('x', 'float32', []), b.input('y', 'float32', ['n'])]),
    ])
    const [name = ''] = session.outputs
    const empty = await session.run({ x: tensor(1), y: new Tensor('float32', [0], new Float32Array()) })
    expect(empty[name]?.shape).toEqual([0])
    await session.close()
  })

  it('writes into given memory, views on wasm memory included', async () => {
    const session = await open(await load(), product)
    const [name = ''] = session.outputs
    const memory = new WebAssembly.Memory({ initial: 1 })
    const view = new Float32Array(memory.buffer, 64, 2)
    const y = new Tensor('float32', [1, 2], view)
    expect((await session.run({ x, w }, { [name]: y }))[name]).toBe(y)
    expect([...view]).toEqual([22, 28])
    await session.close()
  })

  it('reads what the memory holds now, and sees a replaced tensor in the same object', async () => {
    const session = await open(await load(), product)
    const [name = ''] = session.outputs
    const changing = tensor([[1, 0, 0]])
    const feeds: Record<string, Tensor> = { x: changing, w }
    const row = async (): Promise<number[]> => Array.from((await session.run(feeds))[name]?.data as Float32Array)
    expect(await row()).toEqual([1, 2])
    changing.data[0] = 2
    expect(await row()).toEqual([2, 4])
    feeds.x = tensor([
      [0, 1, 0],
      [0, 0, 1],
    ])
    expect(await row()).toEqual([3, 4, 5, 6])
    await session.close()
  })

  it.each([
    ['a missing input', { x }, 'E_INVALID_ARGUMENT', /no value for the input w/],
    ['an unknown input', { x, w, z: w }, 'E_INVALID_ARGUMENT', /no input z/],
    ['a wrong dtype', { x, w: tensor(w, { dtype: 'float64' }) }, 'E_INVALID_DTYPE', /w: .*float32.*float64/],
    ['a wrong rank', { x: tensor([1, 2, 3]), w }, 'E_INVALID_SHAPE', /x: .*\[batch, 3\].*\[3\]/],
    ['a wrong size', { x, w: w.reshape([2, 3]) }, 'E_INVALID_SHAPE', /w: .*\[3, 2\].*\[2, 3\]/],
  ])('refuses %s, each time', async (_, feeds, code, message) => {
    const session = await open(await load(), product)
    for (const _time of [1, 2]) {
      const error = await failure(session.run(feeds as Record<string, Tensor>))
      expect(error.code).toBe(code)
      expect(error.message).toMatch(message)
    }
    await session.close()
  })

  it('refuses free sizes that disagree', async () => {
    const session = await open(await load(), (b) => [
      b.op('Add', [b.input('x', 'float32', ['n', 2]), b.input('y', 'float32', ['n', 2])]),
    ])
    const feeds = { x: tensor([[1, 2]]), y: w }
    for (const _time of [1, 2]) {
      const error = await failure(session.run(feeds))
      expect([error.code, error.where]).toEqual(['E_INVALID_SHAPE', 'y'])
    }
    await session.close()
  })

  it('refuses memory of the wrong shape or dtype for an output', async () => {
    const session = await open(await load(), product)
    const [name = ''] = session.outputs
    const narrow = await failure(session.run({ x, w }, { [name]: tensor([[0]]) }))
    expect([narrow.code, narrow.where]).toEqual(['E_INVALID_SHAPE', name])
    const long = await failure(
      session.run(
        { x, w },
        {
          [name]: tensor([
            [0, 0],
            [0, 0],
          ]),
        },
      ),
    )
    expect([long.code, long.where]).toEqual(['E_INVALID_SHAPE', name])
    const wide = await failure(session.run({ x, w }, { [name]: tensor([[0, 0]], { dtype: 'float64' }) }))
    expect(wide.code).toBe('E_INVALID_DTYPE')
    const unknown = await failure(session.run({ x, w }, { nothing: tensor([[0, 0]]) }))
    expect(unknown.code).toBe('E_INVALID_ARGUMENT')
    await session.close()
  })

  it('says in one plain line what the engine refused', async () => {
    const engine = await load()
    const broken = await failure(engine.open(Uint8Array.of(1, 2, 3)))
    expect(broken.code).toBe('E_UNSUPPORTED_ENGINE')
    const session = await open(engine, (b) => [
      b.op('Gather', [b.input('x', 'float32', ['n']), b.input('i', 'int64', ['m'])]),
    ])
    const outside = await failure(session.run({ x: tensor([1, 2]), i: tensor([7n]) }))
    expect(outside.message).toMatch(/^the engine failed while running the graph, operator Gather: .*out of/)
    for (const { message } of [broken, outside]) expect(message).not.toMatch(/[\n/\\]|::|\.cc/)
    expect(outside.cause).toBeInstanceOf(Error)
    await session.close()
  })

  it('refuses a closed session; closing twice is fine', async () => {
    const session = await open(await load(), product)
    await session.close()
    await session.close()
    expect((await failure(session.run({ x, w }))).code).toBe('E_INVALID_STATE')
  })

  it('opens and closes many sessions', async () => {
    const engine = await load()
    const bytes = encodeModel(
      (() => {
        const b = newBuilder()
        return b.build(product(b))
      })(),
    )
    for (let i = 0; i < 50; i++) {
      const session = await engine.open(bytes, { threads: 1 + (i % 2), optimize: i % 3 === 0 ? 'all' : 'basic' })
      const [name = ''] = session.outputs
      expect((await session.run({ x, w }))[name]?.data[1]).toBe(28)
      await session.close()
    }
  })

  it('says that it has no tensors of bfloat16', async () => {
    const engine = await load()
    const run = async (): Promise<unknown> => {
      const session = await open(engine, (b) => [b.op('Cast', [b.input('x', 'bfloat16', [1])], { to: 1 })])
      return session.run({ x: new Tensor('bfloat16', [1], new Uint16Array(1)) })
    }
    expect((await failure(run())).code).toBe('E_UNSUPPORTED_DTYPE')
  })
})

describe('native engine', () => {
  it('runs without a promise, with the same results and errors', async () => {
    const session = await open(await loadEngine(), product)
    const [name = ''] = session.outputs
    const { runSync = expect.fail('no synchronous run') } = session
    expect(runSync({ x, w })[name]?.data).toEqual(Float32Array.of(22, 28))
    expect(() => runSync({ x })).toThrow(/no value for the input w/)
    await session.close()
    expect(() => runSync({ x, w })).toThrow(/closed/)
  })

  it('leaves small numbers alone on this thread', async () => {
    const session = await open(await loadEngine(), product)
    await session.run({ x, w })
    const [denormal = 0] = Float32Array.of(1e-40)
    expect(Math.fround(denormal * 0.5)).toBeGreaterThan(0)
    await session.close()
  })
})

describe('both engines', () => {
  it('give the same numbers', async () => {
    const build = (b: Builder): readonly Value[] => {
      const [first = expect.fail()] = product(b)
      return [b.op('Softmax', [b.op('Tanh', [first])], { axis: -1 })]
    }
    const feeds = {
      x: tensor([
        [0.1, -0.2, 0.3],
        [1, 0, -1],
      ]),
      w,
    }
    const [native, wasm] = await Promise.all(
      ENGINES.map(async ({ load }) => {
        const session = await open(await load(), build)
        return Object.values(await session.run(feeds))[0]?.data as Float32Array
      }),
    )
    for (const [i, value] of (native ?? []).entries()) expect(wasm?.[i]).toBeCloseTo(value, 6)
  })
})

describe('REKINDLE_ENGINE', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.resetModules()
  })

  it.each([
    ['wasm', 'wasm'],
    ['native', 'native'],
    ['', 'native'],
  ])('%s', async (value, kind) => {
    vi.stubEnv('REKINDLE_ENGINE', value)
    vi.resetModules()
    const { loadEngine: fresh } = await import('../../src/runtime/node.ts')
    const notices: string[] = []
    const engine = await fresh((line) => notices.push(line))
    expect(engine.kind).toBe(kind)
    expect(await fresh()).toBe(engine)
    expect(notices).toEqual([])
  })

  it('of another name is refused', async () => {
    vi.stubEnv('REKINDLE_ENGINE', 'gpu')
    vi.resetModules()
    const { loadEngine: fresh } = await import('../../src/runtime/node.ts')
    await expect(fresh()).rejects.toThrow(/REKINDLE_ENGINE: unknown engine; expected native or wasm, received gpu/)
  })
})

describe('translateError', () => {
  it.each([
    [
      "Non-zero status code returned while running MatMul node. Name:'m' Status Message: /build/core/math/matmul_helper.h:144 onnxruntime::common::Status onnxruntime::MatMulComputeHelper::Compute(const TensorShape&, bool) left operand cannot broadcast",
      'E_UNSUPPORTED_ENGINE',
      'the engine failed while running the graph, operator MatMul: left operand cannot broadcast',
    ],
    ['std::bad_alloc', 'E_LIMIT', 'not enough memory while running the graph'],
    ['/a/b.cc:1', 'E_UNSUPPORTED_ENGINE', 'the engine failed while running the graph: no reason given'],
  ])('%s', (raw, code, message) => {
    const error = translateError(new Error(raw))
    expect([error.code, error.message]).toEqual([code, message])
  })
})
