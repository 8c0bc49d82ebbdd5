import { RekindleError } from '../../../errors.ts'
import type { Type, Value } from '../../../graph/index.ts'
import { formatShape } from '../../../tensor/index.ts'
import { applyActivation } from '../../activations/index.ts'
import type { Identifier } from '../../types.ts'
import { defineLayer } from '../define.ts'

export interface EinsumDenseConfig {
  /** Without the batch, and without what `...` stands for; null where the input decides. */
  readonly output_shape: number | readonly (number | null)[]
  /** `abc,cd->abd`: input, kernel, output; `...` may stand first or last in input and output. */
  readonly equation: string
  readonly activation: Identifier
  /** Letters of the output that the bias has sizes for; null for no bias. */
  readonly bias_axes: string | null
  readonly kernel_initializer: Identifier
  readonly bias_initializer: Identifier
  readonly kernel_regularizer: Identifier
  readonly bias_regularizer: Identifier
  readonly activity_regularizer: Identifier
  readonly kernel_constraint: Identifier
  readonly bias_constraint: Identifier
}

const EQUATION = /^(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?$/
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

interface Parsed {
  readonly input: string
  readonly kernel: string
  readonly output: string
  /** Where `...` stands. */
  readonly elided: 'left' | 'right' | null
}

function parse(equation: unknown, where: string): Parsed {
  const match = typeof equation === 'string' ? EQUATION.exec(equation.replaceAll(' ', '')) : null
  const [, left, input = '', right, kernel = '', outLeft, output = '', outRight] = match ?? []
  if (!match || (left && right) || left !== outLeft || right !== outRight) {
    throw new RekindleError('E_INVALID_CONFIG', 'bad equation', {
      where,
      expected: 'such as ab,bc->ac, ...ab,bc->...ac or ab...,bc->ac...',
      received: JSON.stringify(equation),
    })
  }
  return { input, kernel, output, elided: left ? 'left' : right ? 'right' : null }
}

/** The size of each letter, from the input and from `output_shape`. */
function letterSizes(config: EinsumDenseConfig, parsed: Parsed, type: Type | undefined): Map<string, number> {
  const shape = type?.shape ?? []
  const hidden = shape.length - parsed.input.length
  if (parsed.elided ? hidden < 0 : hidden !== 0) {
    throw new RekindleError('E_INVALID_SHAPE', `EinsumDense ${config.equation}`, { received: formatShape(shape) })
  }
  const outputs = typeof config.output_shape === 'number' ? [config.output_shape] : config.output_shape
  const sizes = new Map<string, number>()
  // The first letter of an output that begins with it is the batch; sizes are counted from the end, but for `abc...`.
  const skip = parsed.elided === 'right' ? 1 : parsed.output.length - outputs.length
  for (const [i, size] of outputs.entries()) {
    const letter = parsed.output[i + skip]
    if (letter !== undefined && size !== null) sizes.set(letter, size)
  }
  for (const [i, letter] of [...parsed.input].entries()) {
    const size = shape[parsed.elided === 'left' ? i + hidden : i]
    if (typeof size === 'number') sizes.set(letter, size)
  }
  return sizes
}

function sizesOf(letters: string, sizes: ReadonlyMap<string, number>, config: EinsumDenseConfig): number[] {
  return [...letters].map((letter) => {
    const size = sizes.get(letter)
    if (size !== undefined) return size
    throw new RekindleError('E_INVALID_SHAPE', `EinsumDense ${config.equation}: no size for ${letter}`)
  })
}

/** `activation(einsum(equation, x, kernel) + bias)`. */
export const einsumDense = defineLayer<EinsumDenseConfig>({
  className: 'EinsumDense',
  defaults: {
    output_shape: [],
    equation: '',
    activation: 'linear',
    bias_axes: null,
    kernel_initializer: 'glorot_uniform',
    bias_initializer: 'zeros',
    kernel_regularizer: null,
    bias_regularizer: null,
    activity_regularizer: null,
    kernel_constraint: null,
    bias_constraint: null,
  },
  fields: {
    activation: 'activation',
    kernel_initializer: 'initializer',
    bias_initializer: 'initializer',
    kernel_regularizer: 'regularizer',
    bias_regularizer: 'regularizer',
    activity_regularizer: 'regularizer',
    kernel_constraint: 'constraint',
    bias_constraint: 'constraint',
  },
  required: ['equation', 'output_shape'],
  normalize: (c) => (typeof c.output_shape === 'number' ? { ...c, output_shape: [c.output_shape] } : c),
  validate(config, where) {
    const { output } = parse(config.equation, where)
    if ([...(config.bias_axes ?? '')].every((letter) => output.includes(letter))) return
    throw new RekindleError('E_INVALID_CONFIG', 'bias_axes must be letters of the output', {
      where,
      received: JSON.stringify(config.bias_axes),
    })
  },
  weights(c) {
    const parsed = parse(c.equation, 'EinsumDense')
    const { kernel, output, elided } = parsed
    const axes = c.bias_axes ?? ''
    const kernelSpec = {
      name: 'kernel',
      shape: ([x]: readonly Type[]) => sizesOf(kernel, letterSizes(c, parsed, x), c),
      initializer: c.kernel_initializer,
      regularizer: c.kernel_regularizer,
      constraint: c.kernel_constraint,
      trainable: true,
    }
    if (axes === '') return [kernelSpec]
    const first = Math.min(...[...axes].map((letter) => output.indexOf(letter)))
    return [
      kernelSpec,
      {
        name: 'bias',
        shape: ([x]: readonly Type[]) => {
          const sizes = letterSizes(c, parsed, x)
          const own = [...output.slice(first)].flatMap((letter) =>
            axes.includes(letter) ? sizesOf(letter, sizes, c) : [1],
          )
          const hidden = elided === 'right' ? (x?.shape.length ?? 0) - parsed.input.length : 0
          return [...own, ...new Array<number>(hidden).fill(1)]
        },
        initializer: c.bias_initializer,
        regularizer: c.bias_regularizer,
        constraint: c.bias_constraint,
        trainable: true,
      },
    ]
  },
  call({ b, config, weight, name }, [input]) {
    const x = input as Value
    const { input: from, kernel, output, elided } = parse(config.equation, name)
    const free = [...LETTERS].filter((letter) => !`${from}${kernel}${output}`.includes(letter))
    const hidden = free.slice(0, x.shape.length - from.length).join('')
    const full = (letters: string): string => (elided === 'left' ? hidden + letters : letters + hidden)
    const equation = `${full(from)},${kernel}->${full(output)}`
    const product = b.op('Einsum', [x, weight('kernel')], { equation })
    const y = config.bias_axes ? b.op('Add', [product, weight('bias')]) : product
    return { outputs: [applyActivation(b, config.activation, y)] }
  },
})
