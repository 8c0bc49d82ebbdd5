import { describe, expect, it } from 'vitest'
import type { OpDef, OpName } from '../../src/graph/index.ts'
import { OPS } from '../../src/ops/index.ts'
import { flat } from '../../src/ops/row.ts'
import { checkGradient } from './check-gradient.ts'
import { CONTROL_FLOW_CASES } from './control-flow-cases.ts'
import { CONVOLUTION_CASES } from './convolution-cases.ts'
import { GRADIENT_CASES } from './gradient-cases.ts'

const CASES = [...GRADIENT_CASES, ...CONTROL_FLOW_CASES, ...CONVOLUTION_CASES]
const NAMES = Object.keys(OPS) as OpName[]

function ruleOf(op: OpName): OpDef['grad'] {
  return (OPS[op] as unknown as OpDef).grad
}

describe.each([...new Set(CASES.map(({ op }) => op))])('the gradient of %s', (op) => {
  it.each(CASES.filter((one) => one.op === op))('$name', ({ shapes, build, options }) =>
    checkGradient(shapes, build, options),
  )
})

describe('the table', () => {
  it('has a gradient case for every rule', () => {
    const tested = new Set(CASES.map(({ op }) => op))
    expect(NAMES.filter((op) => ruleOf(op) !== 'none' && ruleOf(op) !== flat && !tested.has(op))).toEqual([])
  })

  it('has a rule for every operator that training uses', () => {
    expect(NAMES.filter((op) => ruleOf(op) === 'none')).toEqual(['RNN', 'GRU', 'LSTM'])
  })

  it('lets nothing flow through steps, tests and places', () => {
    expect(NAMES.filter((op) => ruleOf(op) === flat)).toEqual([
      ...['Sign', 'Floor', 'Ceil', 'Round', 'IsNaN', 'IsInf', 'Not', 'BitwiseNot'],
      ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'],
      ...['And', 'Or', 'Xor', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitShift'],
      ...['Hardmax', 'ArgMax', 'ArgMin', 'Shape', 'Size', 'ConstantOfShape', 'NonZero'],
    ])
  })
})
