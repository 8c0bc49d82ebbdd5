import { RekindleError } from '../errors.ts'
import type { Argument, LayerCall, LayerGraph, TensorRef } from '../formats/doc.ts'
import type { Json, Tree } from '../nn/types.ts'
import type { Layer } from './layer.ts'
import type { CallNode, CallValue, SymbolicTensor } from './symbolic.ts'
import { flattenTree, mapRecord, mapTree, sortedValues } from './tree.ts'

/** Output `output` of call number `call` of a network. */
export interface Reference {
  readonly call: number
  readonly output: number
}

export function isReference(node: object): node is Reference {
  return 'call' in node && 'output' in node && typeof (node as Reference).call === 'number'
}

/** A value that is no tensor among a call's arguments. */
export interface Constant {
  readonly constant: Json
}

export function isConstant(node: object): node is Constant {
  return 'constant' in node
}

export type CallArgument = Reference | Constant

export function isCallArgument(node: object): node is CallArgument {
  return isReference(node) || isConstant(node)
}

export interface NetworkCall {
  readonly layer: Layer
  /** The tensors among them are the layer's inputs. */
  readonly args: readonly Tree<CallArgument>[]
  readonly kwargs: { readonly [name: string]: Tree<CallArgument> }
}

/** The tensors that a call takes: its inputs, then those of arguments by name. */
export function callReferences({ args, kwargs }: NetworkCall): readonly Reference[] {
  return [...args, ...sortedValues(kwargs)].flatMap(referencesOf)
}

/** The tensors in one argument. */
export function referencesOf(arg: Tree<CallArgument>): readonly Reference[] {
  return flattenTree(arg, isCallArgument).filter(isReference)
}

/** Layers and how they are connected: the calls are in an order in which they can be computed. */
export interface Network {
  readonly kind: 'sequential' | 'functional'
  /** In Keras's order: by depth from the outputs, then as met; each layer once. */
  readonly layers: readonly Layer[]
  readonly calls: readonly NetworkCall[]
  readonly inputs: Tree<Reference>
  readonly outputs: Tree<Reference>
}

/** The chain of a Sequential whose first layer is its InputLayer. */
export function chainNetwork(layers: readonly Layer[]): Network {
  const calls = layers.map((layer, i) => ({ layer, args: i === 0 ? [] : [{ call: i - 1, output: 0 }], kwargs: {} }))
  const last = { call: layers.length - 1, output: 0 }
  return { kind: 'sequential', layers, calls, inputs: { call: 0, output: 0 }, outputs: last }
}

/**
 * The network between symbolic inputs and outputs.
 * Layers are ordered as Keras orders them (`keras/src/ops/function.py`, map_graph), so that saved files list them alike.
 *
 * @throws RekindleError `E_INVALID_GRAPH` when an output does not come from the inputs, or two layers share a name.
 */
export function traceNetwork(inputs: Tree<SymbolicTensor>, outputs: Tree<SymbolicTensor>): Network {
  const entrances = flattenTree(inputs, isTensor)
  const inner = entrances.find(({ node }) => node.layer.className !== 'InputLayer')
  if (inner) {
    throw new RekindleError('E_UNSUPPORTED_OPTION', 'a model can begin at inputs only', {
      where: 'inputs',
      expected: 'what input() gives',
      received: `an output of ${inner.node.layer.name}`,
      hint: 'call the layers that follow on an input() of the same shape',
    })
  }
  const entranceNodes = new Set(entrances.map((tensor) => tensor.node))
  const nodes: CallNode[] = []
  const finished = new Set<CallNode>()
  const met = new Map<Layer, number>()
  const visit = (node: CallNode): void => {
    if (finished.has(node)) return
    if (!met.has(node.layer)) met.set(node.layer, met.size)
    if (!entranceNodes.has(node)) {
      if (node.args.length === 0) {
        throw new RekindleError('E_INVALID_GRAPH', 'an output depends on an input that the model does not list', {
          where: node.layer.name,
        })
      }
      for (const tensor of node.inputs) visit(tensor.node)
    }
    finished.add(node)
    nodes.push(node)
  }
  for (const tensor of flattenTree(outputs, isTensor)) visit(tensor.node)
  for (const node of entranceNodes) visit(node)

  const layers = orderByDepth(nodes, met, entranceNodes)
  const names = new Set<string>()
  for (const { name } of layers) {
    if (names.has(name)) throw new RekindleError('E_INVALID_GRAPH', `two layers are named ${name}`)
    names.add(name)
  }
  const indexOf = new Map(nodes.map((node, i) => [node, i]))
  const toReference = (tensor: SymbolicTensor): Reference => ({
    call: indexOf.get(tensor.node) as number,
    output: tensor.output,
  })
  const toArgument = (arg: Tree<CallValue>): Tree<CallArgument> =>
    mapTree(arg, isCallValue, (leaf) => (isConstant(leaf) ? leaf : toReference(leaf)))
  return {
    kind: 'functional',
    layers,
    calls: nodes.map((node) => ({
      layer: node.layer,
      args: entranceNodes.has(node) ? [] : node.args.map(toArgument),
      kwargs: mapRecord(node.kwargs, toArgument),
    })),
    inputs: mapTree(inputs, isTensor, toReference),
    outputs: mapTree(outputs, isTensor, toReference),
  }
}

function isTensor(node: object): node is SymbolicTensor {
  return 'node' in node && 'output' in node
}

function isCallValue(node: object): node is CallValue {
  return isTensor(node) || isConstant(node)
}

function orderByDepth(
  nodes: readonly CallNode[],
  met: ReadonlyMap<Layer, number>,
  entrances: ReadonlySet<CallNode>,
): Layer[] {
  const nodeDepth = new Map<CallNode, number>()
  const layerDepth = new Map<Layer, number>()
  for (const node of [...nodes].reverse()) {
    const depth = Math.max(nodeDepth.get(node) ?? 0, layerDepth.get(node.layer) ?? 0)
    layerDepth.set(node.layer, depth)
    nodeDepth.set(node, depth)
    if (entrances.has(node)) continue
    for (const { node: parent } of node.inputs) nodeDepth.set(parent, Math.max(depth + 1, nodeDepth.get(parent) ?? 0))
  }
  const index = (layer: Layer): number => met.get(layer) as number
  return [...layerDepth.keys()].sort(
    (a, b) => (layerDepth.get(b) as number) - (layerDepth.get(a) as number) || index(a) - index(b),
  )
}

/** The network of a file's functional graph; `layers` are the live layers in the graph's order. */
export function networkFromGraph(graph: LayerGraph, layers: readonly Layer[]): Network {
  const byName = new Map(layers.map((layer) => [layer.name, layer]))
  const numbered = numberCalls(graph.calls)
  const order = topologicalOrder(numbered, graph.name)
  const position = new Map(order.map((entry, i) => [entry.key, i]))
  const toReference = (ref: TensorRef): Reference => {
    const call = position.get(callKey(ref.layer, ref.call))
    if (call === undefined) throw unknownTensor(ref, graph.name)
    return { call, output: ref.output }
  }
  return {
    kind: 'functional',
    layers,
    calls: order.map(({ call }) => {
      const layer = byName.get(call.layer)
      if (!layer)
        throw new RekindleError('E_INVALID_CONFIG', `call of an unknown layer ${call.layer}`, { where: graph.name })
      return {
        layer,
        args: call.args.map((arg) => fromFile(inputsAlone(arg), toReference)),
        kwargs: mapRecord(call.kwargs, (arg) => fromFile(arg, toReference)),
      }
    }),
    inputs: mapTree(graph.inputs, isTensorRef, toReference),
    outputs: mapTree(graph.outputs, isTensorRef, toReference),
  }
}

/** The file form of a network: calls layer by layer, each numbered in the order of its layer's calls. */
export function networkToGraph(network: Network, className: string, name: string): LayerGraph {
  const counts = new Map<Layer, number>()
  const numbers = network.calls.map(({ layer }) => {
    const number = counts.get(layer) ?? 0
    counts.set(layer, number + 1)
    return number
  })
  const toFile = (arg: Tree<CallArgument>): Tree<Argument> =>
    mapTree(arg, isCallArgument, (leaf): Argument => (isConstant(leaf) ? leaf : { tensor: toRef(leaf) }))
  const toRef = ({ call, output }: Reference): TensorRef => ({
    layer: (network.calls[call] as NetworkCall).layer.name,
    call: numbers[call] as number,
    output,
  })
  return {
    kind: network.kind,
    className,
    name,
    layers: network.layers.map((layer) => layer.toSpec()),
    calls: network.layers.flatMap((layer) =>
      network.calls
        .filter((call) => call.layer === layer)
        .map((call) => ({
          layer: layer.name,
          args: call.args.map(toFile),
          kwargs: mapRecord(call.kwargs, toFile),
        })),
    ),
    inputs: mapTree(network.inputs, isReference, toRef),
    outputs: mapTree(network.outputs, isReference, toRef),
  }
}

interface NumberedCall {
  readonly key: string
  readonly call: LayerCall
  readonly needs: readonly string[]
}

function callKey(layer: string, call: number): string {
  return `${call}:${layer}`
}

function numberCalls(calls: readonly LayerCall[]): NumberedCall[] {
  const counts = new Map<string, number>()
  return calls.map((call) => {
    const number = counts.get(call.layer) ?? 0
    counts.set(call.layer, number + 1)
    const refs = [...call.args, ...Object.values(call.kwargs)].flatMap(tensorLeaves)
    return { key: callKey(call.layer, number), call, needs: refs.map((ref) => callKey(ref.layer, ref.call)) }
  })
}

function topologicalOrder(calls: readonly NumberedCall[], where: string): NumberedCall[] {
  const byKey = new Map(calls.map((entry) => [entry.key, entry]))
  const state = new Map<string, 'open' | 'done'>()
  const order: NumberedCall[] = []
  // An explicit stack: files may chain thousands of layers.
  for (const start of calls) {
    const stack = [start]
    while (stack.length > 0) {
      const entry = stack.at(-1) as NumberedCall
      if (state.get(entry.key) === 'done') {
        stack.pop()
        continue
      }
      state.set(entry.key, 'open')
      const waiting = entry.needs.find((key) => state.get(key) !== 'done')
      if (waiting === undefined) {
        state.set(entry.key, 'done')
        order.push(entry)
        stack.pop()
        continue
      }
      const next = byKey.get(waiting)
      if (!next) throw new RekindleError('E_INVALID_CONFIG', `unknown tensor ${waiting}`, { where })
      if (state.get(waiting) === 'open')
        throw new RekindleError('E_INVALID_CONFIG', 'the layers form a loop', { where })
      stack.push(next)
    }
  }
  return order
}

function isTensorRef(node: object): node is TensorRef {
  return 'layer' in node && 'call' in node && 'output' in node
}

function isArgument(node: object): node is Argument {
  return 'tensor' in node || 'constant' in node
}

function tensorLeaves(arg: Tree<Argument>): TensorRef[] {
  return flattenTree(arg, isArgument).flatMap((leaf) => ('tensor' in leaf ? [leaf.tensor] : []))
}

function fromFile(arg: Tree<Argument>, toReference: (ref: TensorRef) => Reference): Tree<CallArgument> {
  return mapTree(arg, isArgument, (leaf): CallArgument => ('tensor' in leaf ? toReference(leaf.tensor) : leaf))
}

/** One positional argument: tensors, or a constant. A mixture has no place among a layer's inputs. */
function inputsAlone(arg: Tree<Argument>): Tree<Argument> {
  const leaves = flattenTree(arg, isArgument)
  if (new Set(leaves.map((leaf) => 'tensor' in leaf)).size < 2) return arg
  throw new RekindleError('E_UNSUPPORTED_OPTION', 'a constant among the tensors of a call cannot be run yet')
}

function unknownTensor(ref: TensorRef, where: string): RekindleError {
  return new RekindleError('E_INVALID_CONFIG', `no output ${ref.output} of call ${ref.call} of layer ${ref.layer}`, {
    where,
  })
}
