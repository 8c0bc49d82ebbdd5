import { RekindleError } from '../errors.ts'
import { type Graph, subgraphsOf, type Value } from '../graph/index.ts'

/**
 * A name for every value of a graph and of the graphs inside it, no two alike (a nested graph sees the outer names).
 * The inputs and outputs of the outermost graph keep theirs; another value that clashes gets a number.
 *
 * @throws RekindleError `E_INVALID_GRAPH` when two inputs or outputs share a name.
 */
export function assignNames(graph: Graph): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>()
  const taken = new Set<string>()
  const give = (value: Value, name: string): void => {
    names.set(value, name)
    taken.add(name)
  }
  for (const value of new Set([...graph.inputs, ...graph.outputs])) {
    if (value.name === '' || taken.has(value.name)) {
      throw new RekindleError('E_INVALID_GRAPH', 'names of inputs and outputs must be unique and not empty', {
        received: `'${value.name}'`,
      })
    }
    give(value, value.name)
  }
  const visit = (inner: Graph): void => {
    const own = [...inner.inputs, ...inner.constants.keys(), ...inner.nodes.flatMap((node) => node.outputs)]
    for (const value of own) if (!names.has(value)) give(value, freeName(value.name, taken))
    for (const node of inner.nodes) for (const nested of subgraphsOf(node)) visit(nested)
  }
  visit(graph)
  return names
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const base = wanted === '' ? 'v' : wanted
  let name = base
  for (let i = 1; taken.has(name); i++) name = `${base}_${i}`
  return name
}
