import { RekindleError } from '../errors.ts'
import type { Tree } from '../nn/types.ts'
import { formatShape } from '../tensor/index.ts'
import { isReference, type Network, type Reference } from './network.ts'
import { isSymbolic, requireSymbolic, type SymbolicTensor } from './symbolic.ts'
import { flattenTree, mapTree, sortedEntries } from './tree.ts'

/**
 * What Keras calls a model's inputs or outputs, in their order: the keys of dictionaries, and in lists the names of the
 * layers that make them (`x`, `dense_1`, `heads/dense_1`). A name that returns gets a number.
 */
export function portNames(network: Network, ports: Tree<Reference>): readonly string[] {
  const layerOf = ({ call }: Reference): string => network.calls[call]?.layer.name ?? ''
  const walk = (tree: Tree<Reference>, path: readonly string[], inList: boolean): string[] => {
    if (isReference(tree as object)) {
      const own = inList ? [layerOf(tree as Reference)] : []
      return [[...path, ...own].join('/')]
    }
    if (Array.isArray(tree)) return tree.flatMap((branch: Tree<Reference>) => walk(branch, path, true))
    const branches = sortedEntries(tree as { readonly [key: string]: Tree<Reference> })
    return branches.flatMap(([key, branch]) => walk(branch, [...path, key], false))
  }
  const names = walk(ports, [], true)
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length
    return before === 0 ? name : `${name}_${before}`
  })
}

interface Port {
  readonly name: string
  readonly shape: readonly (number | null)[]
}

/**
 * The tensors of a call of a model, nested as the model's own inputs are: taken by name from a dictionary, else in order.
 * @throws RekindleError `E_INVALID_ARGUMENT` for other names or another number, `E_INVALID_SHAPE`.
 */
export function arrangeInputs(
  given: Tree<SymbolicTensor>,
  inputs: Tree<Reference>,
  ports: readonly Port[],
  where: string,
): Tree<SymbolicTensor> {
  requireSymbolic(given, where)
  const byName = !isSymbolic(given as object) && !Array.isArray(given)
  const record = given as { readonly [name: string]: SymbolicTensor }
  const tensors: readonly (SymbolicTensor | undefined)[] = byName
    ? ports.map(({ name }) => record[name])
    : flattenTree<SymbolicTensor>(given, isSymbolic)
  const received = byName ? Object.keys(record) : tensors.map((tensor) => formatShape(tensor?.shape ?? []))
  if (tensors.length !== ports.length || received.length !== ports.length || tensors.includes(undefined)) {
    throw new RekindleError('E_INVALID_ARGUMENT', 'the tensors of the call do not match the inputs of the model', {
      where,
      expected: ports.map(({ name }) => name).join(', '),
      received: received.join(', '),
    })
  }
  for (const [i, { name, shape }] of ports.entries()) {
    const tensor = tensors[i] as SymbolicTensor
    const fits =
      tensor.shape.length === shape.length &&
      shape.every((dim, axis) => dim === null || (tensor.shape[axis] ?? dim) === dim)
    if (fits) continue
    throw new RekindleError('E_INVALID_SHAPE', `the shape does not fit the input ${name}`, {
      where,
      expected: formatShape(shape),
      received: formatShape(tensor.shape),
    })
  }
  const order = flattenTree(inputs, isReference)
  return mapTree(inputs, isReference, (leaf) => tensors[order.indexOf(leaf)] as SymbolicTensor)
}
