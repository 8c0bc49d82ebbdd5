import { existsSync } from 'node:fs'
import { RekindleError } from '../errors.ts'
import type { ArrayInput, Tensor } from '../index.ts'

/** What the commands need to know of an input or output. */
export interface Port {
  readonly name: string
  readonly shape: readonly (number | null)[]
}

export interface GivenArray {
  readonly port: Port
  readonly path: string
}

/**
 * Matches `--x a.npy --x b.npy`, in the order of the ports, or `--x name=a.npy`, to the ports of a model.
 * @throws RekindleError `E_INVALID_ARGUMENT` when a port gets nothing or something twice.
 */
export function assignPaths(given: readonly string[], ports: readonly Port[], option: string): GivenArray[] {
  const assigned = new Map<string, string>()
  const unnamed: string[] = []
  for (const text of given) {
    const port = ports.find(({ name }) => text.startsWith(`${name}=`))
    if (port === undefined) unnamed.push(text)
    else assigned.set(port.name, text.slice(port.name.length + 1))
  }
  const free = ports.filter(({ name }) => !assigned.has(name))
  const stranger = unnamed.find((text) => /^[^/\\]+=./.test(text) && !existsSync(text))
  if (stranger !== undefined) {
    throw new RekindleError('E_INVALID_ARGUMENT', `${option}: the model has none of this name`, {
      expected: ports.map(({ name }) => `${name}=FILE`).join(', '),
      received: stranger,
    })
  }
  if (unnamed.length !== free.length || assigned.size + free.length !== ports.length || given.length !== ports.length) {
    throw new RekindleError('E_INVALID_ARGUMENT', `${option}: not one file for each`, {
      expected: `${ports.length}: ${ports.map(({ name }) => name).join(', ')}`,
      received: given.length === 0 ? 'none' : given.join(', '),
    })
  }
  free.forEach(({ name }, i) => {
    assigned.set(name, unnamed[i] as string)
  })
  return ports.map((port) => ({ port, path: assigned.get(port.name) as string }))
}

/** By name, as the model takes several arrays; a single one stands for itself. */
export function byName(arrays: readonly (readonly [name: string, array: ArrayInput])[]): NamedOrOnly {
  const [only] = arrays
  return arrays.length === 1 && only !== undefined ? only[1] : Object.fromEntries(arrays)
}

export type NamedOrOnly = ArrayInput | { readonly [name: string]: ArrayInput }

export interface TrainingArrays {
  readonly x: NamedOrOnly
  readonly y: NamedOrOnly
  readonly sampleWeight?: Tensor
}

export interface DataOptions {
  readonly x: readonly string[]
  readonly y: readonly string[]
  readonly data: string | undefined
}

/** Inputs, and the outputs that have a loss or a metric. */
export interface TrainingPorts {
  readonly inputs: readonly Port[]
  readonly targets: readonly Port[]
}

/**
 * The arrays of `--x` and `--y`, or of `--data`.
 * @throws RekindleError when both or neither are given, and for missing arrays.
 */
export async function trainingArrays({ x, y, data }: DataOptions, ports: TrainingPorts): Promise<TrainingArrays> {
  if (data !== undefined && x.length + y.length > 0) {
    throw new RekindleError('E_INVALID_ARGUMENT', '--data goes without --x and --y')
  }
  if (data !== undefined) return archiveArrays(data, ports)
  if (x.length === 0 || y.length === 0) {
    throw new RekindleError('E_INVALID_ARGUMENT', 'no data', { expected: '--x X --y Y, or --data D.npz' })
  }
  const paths = (given: readonly string[], wanted: readonly Port[], option: string) =>
    byName(assignPaths(given, wanted, option).map(({ port, path }) => [port.name, path]))
  return { x: paths(x, ports.inputs, '--x'), y: paths(y, ports.targets, '--y') }
}

/** An `.npz` with `x` and `y`, or `x_<input>` and `y_<output>`, and `sample_weight`. */
export async function archiveArrays(path: string, { inputs, targets }: TrainingPorts): Promise<TrainingArrays> {
  const { readArrays } = await import('../index.ts')
  const arrays = await readArrays(path)
  const take = (ports: readonly Port[], prefix: string) =>
    byName(
      ports.map(({ name }) => {
        const array = arrays.get(`${prefix}_${name}`) ?? (ports.length === 1 ? arrays.get(prefix) : undefined)
        if (array !== undefined) return [name, array] as const
        throw new RekindleError('E_INVALID_DATA', 'an array is missing', {
          where: path,
          expected: ports.length === 1 ? `${prefix} or ${prefix}_${name}` : `${prefix}_${name}`,
          received: [...arrays.keys()].join(', ') || 'no arrays',
        })
      }),
    )
  const sampleWeight = arrays.get('sample_weight') as Tensor | undefined
  return { x: take(inputs, 'x'), y: take(targets, 'y'), ...(sampleWeight && { sampleWeight }) }
}
