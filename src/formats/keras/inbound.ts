import type { Argument, Json, JsonObject, TensorRef, Tree } from '../doc.ts'
import { isKerasObject, mapValues, unwrap } from './objects.ts'
import {
  field,
  invalidConfig,
  isArray,
  isObject,
  requireArray,
  requireIndex,
  requireObject,
  requireString,
} from './values.ts'

/** A call of a layer as a file lists it; its tensors still count calls as the file does. */
export interface FileCall {
  readonly args: readonly Tree<Argument>[]
  readonly kwargs: { readonly [name: string]: Tree<Argument> }
}

/** The calls of one layer: Keras 3's `{ args, kwargs }`, or the nested lists of Keras 1 and 2. */
export function readCalls(inboundNodes: Json | undefined, layerNames: ReadonlySet<string>, where: string): FileCall[] {
  return requireArray(inboundNodes ?? [], where).map((node, i) => {
    const place = `${where}[${i}]`
    return isNewStyle(node) ? readNewCall(node, place) : readOldCall(node, layerNames, place)
  })
}

/** Does any call stand in Keras 3's form? The forms count the calls of nested models differently. */
export function isNewStyle(node: Json): node is JsonObject {
  return isObject(node) && Object.hasOwn(node, 'args')
}

function readNewCall(node: JsonObject, where: string): FileCall {
  const args = requireArray(field(node, 'args') ?? [], `${where}.args`)
  // Keras 3 notes the flag of the call that built the model, and sets it anew whenever the model runs.
  const { training: _, ...kwargs } = requireObject(field(node, 'kwargs') ?? {}, `${where}.kwargs`)
  return {
    args: args.map((value, i) => readArgument(value, keras3Tensor, `${where}.args[${i}]`)),
    kwargs: readKwargs(kwargs, keras3Tensor, `${where}.kwargs`),
  }
}

/** `[[name, call, output, kwargs], …]`: one list or nesting of tensors is the first argument. */
function readOldCall(node: Json, layerNames: ReadonlySet<string>, where: string): FileCall {
  const kwargs: { [name: string]: Tree<Argument> } = {}
  const tensor: TensorReader = (value, place) => {
    if (!isOldReference(value)) return undefined
    const [name, call, output, extra] = value
    if (isObject(extra)) Object.assign(kwargs, readKwargs(extra, kwargTensor, place))
    if (name === '_CONSTANT_VALUE') return { constant: output as Json }
    return { tensor: readReference([name as Json, call as Json, output as Json], place) }
  }
  // Inside keyword arguments any list might look like a tensor: only names of layers count.
  const kwargTensor: TensorReader = (value, place) =>
    isOldReference(value) && layerNames.has(value[0] as string) ? tensor(value.slice(0, 3), place) : undefined
  const first = readArgument(node, tensor, where)
  const args = isArray(first) && first.length === 1 ? [first[0] as Tree<Argument>] : [first]
  return { args, kwargs }
}

function isOldReference(value: Json): value is readonly Json[] {
  return isArray(value) && (value.length === 3 || value.length === 4) && typeof value[0] === 'string'
}

/** The tensor (or constant) that a value spells, or undefined when it is something else. */
type TensorReader = (value: Json, where: string) => Argument | undefined

function keras3Tensor(value: Json, where: string): Argument | undefined {
  if (!isKerasObject(value) || value.class_name !== '__keras_tensor__') return undefined
  return { tensor: readReference(field(field(value, 'config'), 'keras_history'), where) }
}

/** A tree of tensors; branches without a tensor are constants as a whole. */
function readArgument(value: Json, tensor: TensorReader, where: string): Tree<Argument> {
  const leaf = tensor(value, where)
  if (leaf) return leaf
  if (isArray(value)) {
    const items = value.map((item, i) => readArgument(item, tensor, `${where}[${i}]`))
    return items.some(holdsTensor) ? items : { constant: unwrap(value) }
  }
  if (isObject(value) && !isKerasObject(value)) {
    const branches = Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, readArgument(item, tensor, `${where}.${key}`)]),
    )
    return Object.values(branches).some(holdsTensor) ? branches : { constant: unwrap(value) }
  }
  return { constant: unwrap(value) }
}

function readKwargs(kwargs: JsonObject, tensor: TensorReader, where: string): { [name: string]: Tree<Argument> } {
  return Object.fromEntries(
    Object.entries(kwargs).map(([key, value]) => [key, readArgument(value, tensor, `${where}.${key}`)]),
  )
}

function holdsTensor(tree: Tree<Argument>): boolean {
  return argumentLeaves(tree).some((leaf) => 'tensor' in leaf)
}

/** `[name, call, output]`. */
export function readReference(value: Json | undefined, where: string): TensorRef {
  const [layer, call, output] = requireArray(value, where)
  return {
    layer: requireString(layer, where),
    call: requireIndex(call, where),
    output: requireIndex(output, where),
  }
}

/** Inputs and outputs of a model: one `[name, call, output]`, or lists and dictionaries of them. */
export function readReferences(value: Json | undefined, where: string): Tree<TensorRef> {
  if (isArray(value) && value.length === 3 && typeof value[0] === 'string') return readReference(value, where)
  if (isArray(value)) return value.map((item, i) => readReferences(item, `${where}[${i}]`))
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, readReferences(item, `${where}.${key}`)]),
    )
  }
  throw invalidConfig(where, 'names of tensors', value)
}

export function isArgument(node: Tree<Argument>): node is Argument {
  return !isArray(node) && ('tensor' in node || 'constant' in node)
}

export function isReference(node: Tree<TensorRef>): node is TensorRef {
  return !isArray(node) && 'layer' in node && 'call' in node && 'output' in node
}

export function argumentLeaves(tree: Tree<Argument>): readonly Argument[] {
  if (isArgument(tree)) return [tree]
  return (Object.values(tree) as Tree<Argument>[]).flatMap(argumentLeaves)
}

export function referenceLeaves(tree: Tree<TensorRef>): readonly TensorRef[] {
  if (isReference(tree)) return [tree]
  return (Object.values(tree) as Tree<TensorRef>[]).flatMap(referenceLeaves)
}

/** Keras 2 lists the states that a recurrent layer begins with behind its input; Keras 3 takes them by name only. */
export function withNamedStates(call: FileCall): FileCall {
  const [first, ...others] = call.args
  if (first === undefined || others.length > 0 || isArgument(first) || !isArray(first)) return call
  const [sequence, ...states] = first as readonly Tree<Argument>[]
  if (sequence === undefined || states.length === 0) return call
  return { args: [sequence], kwargs: { ...call.kwargs, initial_state: states } }
}

/** The tensors that a call takes, keyword arguments included. */
export function callTensors(call: FileCall): readonly TensorRef[] {
  return [...call.args, ...Object.values(call.kwargs)]
    .flatMap(argumentLeaves)
    .flatMap((leaf) => ('tensor' in leaf ? [leaf.tensor] : []))
}

/** The same call with every tensor replaced. */
export function mapCallTensors(call: FileCall, change: (ref: TensorRef) => TensorRef): FileCall {
  const walk = (tree: Tree<Argument>): Tree<Argument> =>
    mapArguments(tree, (leaf) => ('tensor' in leaf ? { tensor: change(leaf.tensor) } : leaf))
  return {
    args: call.args.map(walk),
    kwargs: Object.fromEntries(Object.entries(call.kwargs).map(([key, tree]) => [key, walk(tree)])),
  }
}

function mapArguments(tree: Tree<Argument>, change: (leaf: Argument) => Argument): Tree<Argument> {
  if (isArgument(tree)) return change(tree)
  if (isArray(tree)) return (tree as readonly Tree<Argument>[]).map((branch) => mapArguments(branch, change))
  return Object.fromEntries(
    Object.entries(tree as { [key: string]: Tree<Argument> }).map(([key, branch]) => [
      key,
      mapArguments(branch, change),
    ]),
  )
}

export function mapReferences<T>(tree: Tree<TensorRef>, change: (ref: TensorRef) => T): Tree<T> {
  if (isReference(tree)) return change(tree)
  if (isArray(tree)) return (tree as readonly Tree<TensorRef>[]).map((branch) => mapReferences(branch, change))
  return Object.fromEntries(
    Object.entries(tree as { [key: string]: Tree<TensorRef> }).map(([key, branch]) => [
      key,
      mapReferences(branch, change),
    ]),
  )
}

/** A tree as JSON. */
export function treeToJson<T>(tree: Tree<T>, isLeaf: (node: Tree<T>) => node is T, leaf: (value: T) => Json): Json {
  if (isLeaf(tree)) return leaf(tree)
  if (isArray(tree)) return (tree as readonly Tree<T>[]).map((branch) => treeToJson(branch, isLeaf, leaf))
  return mapValues(tree as JsonObject, (branch) => treeToJson(branch as Tree<T>, isLeaf, leaf))
}
