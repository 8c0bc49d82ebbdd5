import type { Builder, OpName, Value } from '../../src/graph/index.ts'
import { DTYPES, type Shape, tensor } from '../../src/tensor/index.ts'
import type { GradientOptions } from './check-gradient.ts'

export interface GradientCase {
  readonly op: OpName
  readonly name: string
  readonly shapes: readonly Shape[]
  readonly build: (b: Builder, x: readonly Value[]) => Value | readonly (Value | null)[]
  readonly options: GradientOptions
}

type Attrs = Readonly<Record<string, unknown>>

function row(
  op: OpName,
  name: string,
  shapes: readonly Shape[],
  build: GradientCase['build'],
  options: GradientOptions = {},
): GradientCase {
  return { op, name, shapes, build, options }
}

/** The operator on its inputs as they are. */
function plain(op: OpName, shapes: readonly Shape[], attrs: Attrs = {}, options: GradientOptions = {}): GradientCase {
  const text = Object.entries(attrs).map(([key, value]) => `${key}=${value}`)
  const name = [...shapes.map((shape) => `[${shape}]`), ...text].join(' ')
  return row(op, name, shapes, (b, x) => b.op(op, x, attrs as never), options)
}

const PAIRS: readonly (readonly Shape[])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[1], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
  [[], [2]],
  [
    [2, 1, 3],
    [4, 1],
  ],
]

const unary = (ops: readonly OpName[], range: readonly [number, number] = [-2, 2], attrs: Attrs = {}): GradientCase[] =>
  ops.flatMap((op) => [[2, 3], [4], []].map((shape) => plain(op, [shape], attrs, { range })))

const binary = (ops: readonly OpName[], options: GradientOptions = {}): GradientCase[] =>
  ops.flatMap((op) => PAIRS.map((shapes) => plain(op, shapes, {}, options)))

const POSITIVE = [0.3, 2] as const
const ints = (b: Builder, values: readonly number[]): Value => b.ints(values)
const indices = (b: Builder, nested: readonly unknown[]): Value =>
  b.constant(tensor(nested as never, { dtype: 'int64' }))
const flags = (b: Builder, nested: readonly unknown[]): Value => b.constant(tensor(nested as never, { dtype: 'bool' }))

const REDUCTIONS = [
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSumExp',
] as const

function reductions(op: OpName, range: readonly [number, number]): GradientCase[] {
  const forms: readonly (readonly [axes: readonly number[] | null, attrs: Attrs])[] = [
    [null, {}],
    [[1], {}],
    [[-1], { keepdims: 0 }],
    [[0, -1], { keepdims: 0 }],
    [[2, 0], {}],
    [null, { keepdims: 0 }],
    [[], { noop_with_empty_axes: 1, keepdims: 0 }],
  ]
  return forms.map(([axes, attrs]) =>
    row(
      op,
      `axes ${axes} ${JSON.stringify(attrs)}`,
      [[2, 3, 2]],
      (b, [x]) => b.op(op, [x as Value, axes && ints(b, axes)], attrs as never),
      { range },
    ),
  )
}

const MATRICES: readonly (readonly Shape[])[] = [
  [
    [2, 3],
    [3, 4],
  ],
  [
    [5, 2, 3],
    [3, 4],
  ],
  [
    [2, 2, 2, 3],
    [3, 1],
  ],
  [
    [2, 2, 3],
    [2, 3, 2],
  ],
  [
    [2, 3],
    [4, 3, 2],
  ],
  [
    [2, 1, 2, 3],
    [3, 3, 2],
  ],
  [[3], [3, 2]],
  [[2, 3], [3]],
  [[3], [3]],
  [[3], [2, 3, 2]],
  [[2, 2, 3], [3]],
]

const slice = (
  name: string,
  shape: Shape,
  starts: number[],
  ends: number[],
  axes: number[] | null,
  steps: number[] | null,
): GradientCase =>
  row('Slice', name, [shape], (b, [x]) =>
    b.op('Slice', [x as Value, ints(b, starts), ints(b, ends), axes && ints(b, axes), steps && ints(b, steps)]),
  )

const pad = (mode: string, pads: number[], axes: number[] | null, shape: Shape = [3, 4]): GradientCase =>
  row('Pad', `${mode} ${pads} on ${axes}`, [shape], (b, [x]) =>
    b.op('Pad', [x as Value, ints(b, pads), null, axes && ints(b, axes)], { mode }),
  )

/** At least one case for every operator that has a gradient, with the shapes that rules get wrong. */
export const GRADIENT_CASES: readonly GradientCase[] = [
  ...binary(['Add', 'Sub', 'Mul', 'Max', 'Min', 'Sum', 'Mean']),
  ...binary(['Div'], { ranges: [[-2, 2], POSITIVE] }),
  ...binary(['Mod'], {
    ranges: [
      [2.1, 3.4],
      [0.8, 0.95],
    ],
  }).map((one) => ({
    ...one,
    build: (b: Builder, x: readonly Value[]) => b.op('Mod', x, { fmod: 1 }),
  })),
  ...binary(['Pow'], { ranges: [POSITIVE, [-2, 2]] }),
  ...[2, 1, 3, 0.5, -1].map((power) =>
    row('Pow', `to ${power}`, [[2, 3]], (b, [x]) => b.op('Pow', [x as Value, b.scalar(power, x?.dtype as 'float32')]), {
      range: POSITIVE,
    }),
  ),
  row('Pow', 'to an integer tensor', [[3]], (b, [x]) => b.op('Pow', [x as Value, ints(b, [2, 3, 0])])),
  ...(['Max', 'Min', 'Sum', 'Mean'] as const).flatMap((op) => [plain(op, [[2, 3]]), plain(op, [[2, 3], [3], [2, 1]])]),
  plain('Clip', [[2, 3]]),
  plain(
    'Clip',
    [[3, 4], [], []],
    {},
    {
      ranges: [
        [-2, 2],
        [-1.1, -1],
        [0.9, 1],
      ],
    },
  ),
  row('Clip', 'max only', [[3, 4], []], (b, [x, high]) => b.op('Clip', [x as Value, null, high as Value]), {
    ranges: [
      [-2, 2],
      [0.4, 0.5],
    ],
  }),
  row('Clip', 'min only', [[3, 4], []], (b, [x, low]) => b.op('Clip', [x as Value, low as Value]), {
    ranges: [
      [-2, 2],
      [0.4, 0.5],
    ],
  }),

  ...unary(['Neg', 'Abs', 'Exp', 'Erf', 'Sin', 'Cos', 'Sinh', 'Cosh', 'Tanh', 'Atan', 'Asinh', 'Identity']),
  ...unary(['Reciprocal', 'Sqrt', 'Log'], POSITIVE),
  ...unary(['Tan'], [-1, 1]),
  ...unary(['Asin', 'Acos', 'Atanh'], [-0.8, 0.8]),
  ...unary(['Acosh'], [1.3, 3]),
  ...(['Cast', 'CastLike'] as const).map((op) =>
    row(
      op,
      'there and back',
      [[2, 3]],
      (b, [x]) => {
        const half = b.op('Cast', [b.op('Mul', [x as Value, x as Value])], { to: DTYPES.float32.onnx })
        if (op === 'Cast') return b.op('Cast', [half], { to: DTYPES[(x as Value).dtype].onnx })
        return b.op('CastLike', [half, x as Value])
      },
      { range: [1, 2], dtype: 'float32' },
    ),
  ),

  ...unary(
    [
      'Relu',
      'LeakyRelu',
      'Elu',
      'Selu',
      'Celu',
      'Sigmoid',
      'HardSigmoid',
      'HardSwish',
      'Softplus',
      'Softsign',
      'Mish',
      'Gelu',
    ],
    [-3.5, 3.5],
  ),
  ...unary(['LeakyRelu', 'Elu', 'Celu', 'ThresholdedRelu'], [-2, 2], { alpha: 0.6 }),
  ...unary(['Selu'], [-2, 2], { alpha: 1.2, gamma: 0.7 }),
  ...unary(['HardSigmoid'], [-2, 2], { alpha: 0.4, beta: 0.3 }),
  ...unary(['Gelu'], [-2, 2], { approximate: 'tanh' }),
  ...[
    [[2, 3], [3]],
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 3, 2],
      [3, 1],
    ],
    [[4], [1]],
  ].map((shapes) => plain('PRelu', shapes)),
  ...(['Softmax', 'LogSoftmax'] as const).flatMap((op) => [
    plain(op, [[2, 3]]),
    plain(op, [[3, 2, 2]], { axis: 0 }),
    plain(op, [[2, 3, 2]], { axis: -2 }),
  ]),

  ...REDUCTIONS.flatMap((op) => reductions(op, [-2, 2])),
  ...reductions('ReduceLogSum', POSITIVE).slice(0, 6),
  ...reductions('ReduceProd', [0.5, 1.5]),
  row('ReduceProd', 'over zeros', [[3, 2]], (b, [x]) => {
    const zeros = b.constant(
      tensor(
        [
          [0, 1],
          [1, 0],
          [1, 0],
        ],
        { dtype: (x as Value).dtype },
      ),
    )
    return b.op('ReduceProd', [b.op('Mul', [x as Value, zeros]), ints(b, [0])])
  }),

  ...MATRICES.map((shapes) => plain('MatMul', shapes)),
  ...[0, 1].flatMap((transA) =>
    [0, 1].flatMap((transB) => {
      const shapes = [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4]]
      return [[], [[4]], [[2, 1]], [[]], [[2, 4]]].map((bias) =>
        plain('Gemm', [...shapes, ...bias], { transA, transB, alpha: 0.7, beta: bias.length ? 1.3 : 1 }),
      )
    }),
  ),
  plain('Gemm', [[2, 3], [3, 2], [2]]),
  plain(
    'Einsum',
    [
      [2, 3],
      [3, 4],
    ],
    { equation: 'ij,jk->ik' },
  ),
  plain(
    'Einsum',
    [
      [2, 3],
      [2, 3],
    ],
    { equation: 'bi,bi->b' },
  ),
  plain(
    'Einsum',
    [
      [2, 3, 4],
      [2, 5, 4],
    ],
    { equation: 'bqd,bkd->bqk' },
  ),
  plain('Einsum', [[2, 3], [4]], { equation: 'ij,k->ik' }),
  plain('Einsum', [[2, 3]], { equation: 'ij->ji' }),
  plain('Einsum', [[2, 3]], { equation: 'ij->j' }),
  plain(
    'Einsum',
    [
      [2, 2, 3],
      [2, 3, 2],
    ],
    { equation: '...ij,...jk->...ik' },
  ),
  plain(
    'Einsum',
    [
      [2, 3],
      [3, 2],
    ],
    { equation: 'ij,jk' },
  ),

  row('Reshape', '[2,6] to [3,-1]', [[2, 6]], (b, [x]) => b.op('Reshape', [x as Value, ints(b, [3, -1])])),
  row('Reshape', '[2,6] to [0,2,3]', [[2, 6]], (b, [x]) => b.op('Reshape', [x as Value, ints(b, [0, 2, 3])])),
  plain('Flatten', [[2, 3, 2]]),
  plain('Flatten', [[2, 3, 2]], { axis: -1 }),
  plain('Flatten', [[2, 3]], { axis: 0 }),
  plain('Transpose', [[2, 3, 4]]),
  plain('Transpose', [[2, 3, 4]], { perm: [1, 2, 0] }),
  row('Squeeze', 'axes -2, 0', [[1, 3, 1, 2]], (b, [x]) => b.op('Squeeze', [x as Value, ints(b, [-2, 0])])),
  plain('Squeeze', [[1, 3, 1]]),
  row('Unsqueeze', 'axes -1, 0', [[3, 2]], (b, [x]) => b.op('Unsqueeze', [x as Value, ints(b, [-1, 0])])),
  row('Expand', '[3,1] to [2,1,4]', [[3, 1]], (b, [x]) => b.op('Expand', [x as Value, ints(b, [2, 1, 4])])),
  row('Expand', '[] to [2,2]', [[]], (b, [x]) => b.op('Expand', [x as Value, ints(b, [2, 2])])),
  row('Tile', '[2,3] by 2, 3', [[2, 3]], (b, [x]) => b.op('Tile', [x as Value, ints(b, [2, 3])])),
  plain('DepthToSpace', [[1, 8, 2, 1]], { blocksize: 2 }),
  plain('DepthToSpace', [[1, 8, 2, 1]], { blocksize: 2, mode: 'CRD' }),
  plain('SpaceToDepth', [[2, 1, 4, 2]], { blocksize: 2 }),

  plain(
    'Concat',
    [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    { axis: -1 },
  ),
  plain(
    'Concat',
    [
      [1, 3],
      [2, 3],
    ],
    { axis: 0 },
  ),
  plain('Concat', [[2]], { axis: 0 }),
  row('Split', 'in three, one unused', [[2, 6]], (b, [x]) => {
    const [first, , last] = b.ops('Split', [x as Value], { axis: -1, num_outputs: 3 }, 3)
    return [first as Value, last as Value]
  }),
  row('Split', 'by sizes', [[4, 2]], (b, [x]) => b.ops('Split', [x as Value, ints(b, [1, 3])], {}, 2)),
  slice('from the middle', [4, 5], [1, 0], [3, 2], null, null),
  slice('negative axis and ends', [4, 5], [-3], [-1], [-1], null),
  slice('every second', [5, 3], [0], [100], [0], [2]),
  slice('backwards', [5, 3], [-1, 2], [-100, -100], [0, 1], [-2, -1]),
  slice('nothing', [4, 2], [3], [2], [0], null),
  pad('constant', [1, 2, 0, 1], null),
  pad('constant', [1, -1], [-1]),
  pad('constant', [-1, 1, 2, -2], null),
  pad('reflect', [2, 1, 1, 2], null),
  pad('edge', [2, 3], [1]),
  pad('wrap', [1, 2, 2, 1], null),
  row('Pad', 'with a trained filling', [[2, 2], []], (b, [x, filling]) =>
    b.op('Pad', [x as Value, ints(b, [1, 0, 0, 2]), filling as Value]),
  ),
  plain('Trilu', [[2, 3, 3]]),
  row('Trilu', 'lower, diagonal 1', [[3, 4]], (b, [x]) =>
    b.op('Trilu', [x as Value, b.scalar(1, 'int64')], { upper: 0 }),
  ),

  row('Gather', 'rows, some twice', [[4, 3]], (b, [x]) =>
    b.op('Gather', [
      x as Value,
      indices(b, [
        [0, 2],
        [2, -1],
      ]),
    ]),
  ),
  row('Gather', 'last axis', [[2, 3, 4]], (b, [x]) =>
    b.op('Gather', [x as Value, indices(b, [3, 0, 3])], { axis: -1 }),
  ),
  row('Gather', 'middle axis', [[2, 3, 2]], (b, [x]) =>
    b.op(
      'Gather',
      [
        x as Value,
        indices(b, [
          [1, 1],
          [0, 2],
        ]),
      ],
      { axis: 1 },
    ),
  ),
  row('Gather', 'one row', [[3, 2]], (b, [x]) => b.op('Gather', [x as Value, b.scalar(1, 'int32')])),
  row('GatherElements', 'axis 1', [[2, 3]], (b, [x]) =>
    b.op(
      'GatherElements',
      [
        x as Value,
        indices(b, [
          [0, 0, 2, 1],
          [1, -1, 1, 0],
        ]),
      ],
      { axis: 1 },
    ),
  ),
  row('GatherND', 'pairs', [[2, 3, 2]], (b, [x]) =>
    b.op('GatherND', [
      x as Value,
      indices(b, [
        [0, 1],
        [1, 2],
        [0, 1],
      ]),
    ]),
  ),
  row('GatherND', 'with batch', [[2, 3, 2]], (b, [x]) =>
    b.op('GatherND', [x as Value, indices(b, [[1], [2]])], { batch_dims: 1 }),
  ),
  row(
    'ScatterElements',
    'overwriting',
    [
      [3, 2],
      [2, 2],
    ],
    (b, [x, updates]) =>
      b.op('ScatterElements', [
        x as Value,
        indices(b, [
          [0, 2],
          [2, 0],
        ]),
        updates as Value,
      ]),
  ),
  row(
    'ScatterElements',
    'adding',
    [
      [3, 2],
      [2, 2],
    ],
    (b, [x, updates]) =>
      b.op(
        'ScatterElements',
        [
          x as Value,
          indices(b, [
            [0, 1],
            [0, -1],
          ]),
          updates as Value,
        ],
        { axis: 1, reduction: 'add' },
      ),
  ),
  row(
    'ScatterND',
    'overwriting',
    [
      [4, 2],
      [2, 2],
    ],
    (b, [x, updates]) => b.op('ScatterND', [x as Value, indices(b, [[3], [1]]), updates as Value]),
  ),
  row(
    'ScatterND',
    'adding',
    [
      [4, 2],
      [2, 2],
    ],
    (b, [x, updates]) =>
      b.op('ScatterND', [x as Value, indices(b, [[1], [1]]), updates as Value], { reduction: 'add' }),
  ),
  row('OneHot', 'values', [[2]], (b, [x]) =>
    b.op(
      'OneHot',
      [
        indices(b, [
          [0, 2],
          [1, 1],
        ]),
        b.scalar(3, 'int64'),
        x as Value,
      ],
      { axis: 1 },
    ),
  ),

  row(
    'Range',
    'start and delta',
    [[], []],
    (b, [start, delta]) => {
      const limit = b.scalar(2.7, (start as Value).dtype)
      const y = b.op('Range', [start as Value, limit, delta as Value])
      return b.op('Reshape', [y, ints(b, [6])])
    },
    {
      ranges: [
        [0.1, 0.2],
        [0.5, 0.51],
      ],
    },
  ),
  ...[{}, { exclusive: 1 }, { reverse: 1 }, { exclusive: 1, reverse: 1 }].map((attrs) =>
    row('CumSum', JSON.stringify(attrs), [[2, 4]], (b, [x]) =>
      b.op('CumSum', [x as Value, b.scalar(-1, 'int64')], attrs),
    ),
  ),
  row('TopK', 'largest', [[2, 4]], (b, [x]) => b.op('TopK', [x as Value, ints(b, [2])])),
  row('TopK', 'smallest along axis 0', [[4, 2]], (b, [x]) =>
    b.ops('TopK', [x as Value, ints(b, [3])], { axis: 0, largest: 0 }, 2).slice(0, 1),
  ),
  row('Where', 'broadcast', [[2, 3], [3]], (b, [x, y]) =>
    b.op('Where', [flags(b, [[true], [false]]), x as Value, y as Value]),
  ),
  row('Where', 'a wider condition', [[1], [2]], (b, [x, y]) =>
    b.op('Where', [
      flags(b, [
        [true, false],
        [false, false],
      ]),
      x as Value,
      y as Value,
    ]),
  ),

  plain('LayerNormalization', [[2, 4], [4], [4]]),
  plain(
    'LayerNormalization',
    [
      [2, 3, 2],
      [3, 2],
    ],
    { axis: -2, epsilon: 0.01 },
  ),
  ...[
    [2, 3],
    [2, 3, 2],
    [2, 3, 2, 2],
  ].map((shape) =>
    plain(
      'BatchNormalization',
      [shape, [3], [3], [3], [3]],
      { epsilon: 0.01 },
      { ranges: [[-2, 2], [0.5, 1.5], [-1, 1], [-1, 1], POSITIVE] },
    ),
  ),
]
