import { RekindleError } from '../errors.ts'
import { type Graph, subgraphsOf, type Value } from '../graph/index.ts'

/**
 * A name for every value of a graph and of the graphs inside it, no two alike (a nested graph sees the outer names).
 * The inputs and outputs of the outermost graph keep theirs; another value that clashes gets a number.
 */
export class Names {
  readonly #names = new Map<Value, string>()
  readonly #taken = new Set<string>()

  /** @throws RekindleError `E_INVALID_GRAPH` when two inputs or outputs share a name. */
  constructor(graph: Graph) {
    for (const value of new Set([...graph.inputs, ...graph.outputs])) {
      if (value.name === '' || this.#taken.has(value.name)) {
        throw new RekindleError('E_INVALID_GRAPH', 'names of inputs and outputs must be unique and not empty', {
          received: `'${value.name}'`,
        })
      }
      this.#taken.add(value.name)
      this.#names.set(value, value.name)
    }
    this.#visit(graph)
  }

  /** @throws RekindleError `E_INVALID_GRAPH` for a value that no graph here makes. */
  of(value: Value): string {
    const name = this.#names.get(value)
    if (name !== undefined) return name
    throw new RekindleError('E_INVALID_GRAPH', `value ${value.name} is read but never made`)
  }

  /** A name that nothing has yet: the wanted one, with a number where it is taken. */
  fresh(wanted: string): string {
    const base = wanted === '' ? 'v' : wanted
    let name = base
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`
    this.#taken.add(name)
    return name
  }

  #visit(graph: Graph): void {
    const own = [...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap((node) => node.outputs)]
    for (const value of own) if (!this.#names.has(value)) this.#names.set(value, this.fresh(value.name))
    for (const node of graph.nodes) for (const nested of subgraphsOf(node)) this.#visit(nested)
  }
}
