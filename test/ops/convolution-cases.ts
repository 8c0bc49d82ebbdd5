import type { AttrsOf, OpName } from '../../src/graph/index.ts'
import type { Shape } from '../../src/tensor/index.ts'
import type { GradientCase } from './gradient-cases.ts'

function row<K extends OpName>(op: K, shapes: readonly Shape[], attrs: Partial<AttrsOf<K>> = {}): GradientCase {
  const name = `${shapes.map((shape) => `[${shape}]`).join(' ')} ${JSON.stringify(attrs)}`
  return { op, name, shapes, build: (b, x) => b.op(op, x, attrs), options: { range: [-1, 1] } }
}

/** Strides that leave a rest, margins on one side, dilations, groups, one to three axes. */
export const CONVOLUTION_CASES: readonly GradientCase[] = [
  row('Conv', [[2, 2, 5, 4], [3, 2, 3, 2], [3]]),
  row(
    'Conv',
    [
      [1, 2, 6, 5],
      [2, 2, 3, 3],
    ],
    { strides: [2, 2] },
  ),
  row(
    'Conv',
    [
      [1, 1, 6, 5],
      [2, 1, 3, 2],
    ],
    { strides: [2, 3], pads: [1, 0, 0, 1] },
  ),
  row(
    'Conv',
    [
      [1, 2, 6, 6],
      [1, 2, 2, 2],
    ],
    { dilations: [2, 3] },
  ),
  row(
    'Conv',
    [
      [1, 1, 7, 6],
      [1, 1, 2, 3],
    ],
    { dilations: [2, 1], strides: [3, 2], pads: [1, 1, 1, 1] },
  ),
  row('Conv', [[2, 4, 3, 3], [4, 2, 2, 2], [4]], { group: 2 }),
  row(
    'Conv',
    [
      [2, 3, 4, 3],
      [6, 1, 2, 2],
    ],
    { group: 3, strides: [2, 1] },
  ),
  row(
    'Conv',
    [
      [1, 1, 5, 4],
      [1, 1, 2, 3],
    ],
    { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  ),
  row(
    'Conv',
    [
      [1, 1, 5, 4],
      [1, 1, 2, 2],
    ],
    { auto_pad: 'SAME_LOWER' },
  ),
  row(
    'Conv',
    [
      [1, 1, 5, 4],
      [1, 1, 2, 2],
    ],
    { auto_pad: 'VALID', strides: [2, 3] },
  ),
  row(
    'Conv',
    [
      [2, 2, 5],
      [2, 2, 3],
    ],
    { strides: [2], pads: [0, 1] },
  ),
  row('Conv', [
    [1, 1, 3, 3, 3],
    [1, 1, 2, 2, 2],
  ]),
  row('ConvTranspose', [[2, 2, 3, 2], [2, 3, 2, 2], [3]]),
  row(
    'ConvTranspose',
    [
      [1, 2, 3, 2],
      [2, 1, 3, 2],
    ],
    { strides: [2, 2], pads: [1, 0, 0, 1], output_padding: [1, 0] },
  ),
  row(
    'ConvTranspose',
    [
      [2, 4, 2, 2],
      [4, 2, 2, 2],
    ],
    { group: 2, dilations: [2, 1] },
  ),
  row(
    'ConvTranspose',
    [
      [1, 1, 3, 3],
      [1, 1, 3, 3],
    ],
    { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  ),
  row(
    'ConvTranspose',
    [
      [1, 2, 4],
      [2, 1, 3],
    ],
    { strides: [2] },
  ),
  row('MaxPool', [[2, 2, 4, 4]], { kernel_shape: [2, 2], strides: [2, 2] }),
  row('MaxPool', [[1, 2, 5, 5]], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  row('MaxPool', [[1, 1, 5, 6]], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
  row('MaxPool', [[1, 2, 6]], { kernel_shape: [3], strides: [1], auto_pad: 'SAME_UPPER' }),
  row('AveragePool', [[2, 2, 4, 4]], { kernel_shape: [2, 2], strides: [2, 2] }),
  row('AveragePool', [[1, 2, 5, 5]], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  row('AveragePool', [[1, 2, 5, 5]], { kernel_shape: [3, 2], pads: [1, 0, 0, 1], count_include_pad: 1 }),
  row('AveragePool', [[1, 1, 5, 6]], { kernel_shape: [2, 3], strides: [2, 2], ceil_mode: 1 }),
  row('AveragePool', [[1, 1, 5, 5]], { kernel_shape: [2, 2], dilations: [2, 2] }),
  row('AveragePool', [[1, 2, 5]], { kernel_shape: [2], strides: [2], auto_pad: 'SAME_UPPER' }),
  row('GlobalAveragePool', [[2, 2, 3, 2]]),
  row('GlobalAveragePool', [[2, 2, 3]]),
  row('GlobalMaxPool', [[2, 2, 3, 2]]),
]
