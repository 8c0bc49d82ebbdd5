import type { Type } from '../graph/index.ts'
import { newBuilder } from '../ops/index.ts'
import { inputType } from './input.ts'
import { inferenceEnvironment, lowerNetwork } from './lower.ts'
import { isReference, type Network } from './network.ts'
import { flattenTree } from './tree.ts'

/** Types of a network's inputs, in order, with a symbolic batch. */
export function networkInputs(network: Network): readonly Type[] {
  return flattenTree(network.inputs, isReference).map(({ call }) => {
    const entrance = network.calls[call]
    return entrance ? inputType(entrance.layer) : { dtype: 'float32', shape: ['batch'] }
  })
}

/** Types of a network's outputs; builds the weights of its layers on the way. */
export function networkOutputs(network: Network): readonly Type[] {
  const b = newBuilder()
  const inputs = networkInputs(network).map((type, i) => b.input(`x${i}`, type.dtype, type.shape))
  const { outputs } = lowerNetwork(
    network,
    inputs,
    inputs.map(() => null),
    inferenceEnvironment(b),
  )
  return outputs.map(({ dtype, shape }) => ({ dtype, shape }))
}
