import { sameShape, sizeOf, Tensor } from '../../tensor/index.ts'
import type { JsonObject, LayerGraph, LazyTensor, OptimizerSlot } from '../doc.ts'
import { lazyTensor } from './lazy.ts'
import { type Layout, type OptimizerEra, oldestLayouts, optimizerLayout } from './optimizer-layouts.ts'
import { keysBelow, layerPlaces } from './places.ts'
import type { Report } from './report.ts'

/** A variable of an optimizer in a file; `.keras` files have no names. */
export interface StoredVariable {
  readonly name?: string
  readonly tensor: LazyTensor
}

export interface OptimizerVariables {
  readonly className: string
  readonly config: JsonObject
  readonly era: OptimizerEra
  readonly variables: readonly StoredVariable[]
}

export interface OptimizerState {
  readonly iterations: number
  readonly slots: readonly OptimizerSlot[]
}

/** The weights that the optimizer keeps slots for, in the order of Keras's `model.trainable_variables`. */
export function trainedWeights(
  graph: LayerGraph,
  weights: ReadonlyMap<string, LazyTensor>,
): { readonly key: string; readonly shape: readonly number[] }[] {
  return [...layerPlaces(graph)].flatMap((place) => {
    if (!place.trainable) return []
    // Of an unknown layer all weights are taken to be trained; if they are not, nothing fits and that is said.
    const names = place.weights?.filter((spec) => spec.trainable).map((spec) => `${place.key}/${spec.name}`)
    return (names ?? keysBelow(place.key, weights)).flatMap((key) => {
      const tensor = weights.get(key)
      return tensor ? [{ key, shape: tensor.shape }] : []
    })
  })
}

/**
 * The optimizer's state from the variables of a file. Null, with a warning, when they do not fit the optimizer and
 * the weights: then nothing of it may be used, since positions tell what is what.
 */
export async function readOptimizerState(
  stored: OptimizerVariables,
  trained: readonly { readonly key: string; readonly shape: readonly number[] }[],
  report: Report,
): Promise<OptimizerState | null> {
  const { className, config, era, variables } = stored
  const refuse = (why: string): null => {
    report.warn('optimizer-state-not-restored', `the state of the optimizer ${className} was not restored: ${why}`)
    return null
  }
  const { iteration, slots } = splitScalars(variables, config, era)
  if (!iteration) return refuse('the file does not say how many updates were done')
  const layout = optimizerLayout(className, config, era)
  if (!layout) return refuse('its variables are not known here')
  const layouts = era === 'legacy' ? [layout, ...oldestLayouts(className, config)] : [layout]
  const fitting = layouts.find((candidate) => layoutFits(candidate, slots, trained))
  if (!fitting) {
    const perWeight = layout.flat().length
    return refuse(
      `expected ${perWeight} variables for each of ${trained.length} weights, of their shapes; found ${slots.length}`,
    )
  }
  const count = Number((await iteration.tensor.load()).data[0] ?? 0)
  return { iterations: count, slots: placeSlots(fitting, slots, trained) }
}

/** The scalars in front: Keras 3 keeps the count and the learning rate (unless a schedule gives it), others the count. */
function splitScalars(
  variables: readonly StoredVariable[],
  config: JsonObject,
  era: OptimizerEra,
): { iteration: StoredVariable | undefined; slots: readonly StoredVariable[] } {
  const [first, second] = variables
  if (first?.tensor.shape.length !== 0) return { iteration: undefined, slots: variables }
  const scheduled = typeof config.learning_rate === 'object' && config.learning_rate !== null
  const rate = era === 'keras3' && !scheduled && second?.tensor.shape.length === 0
  return { iteration: first, slots: variables.slice(rate ? 2 : 1) }
}

interface Position {
  readonly key: string
  readonly shape: readonly number[]
  readonly slot: string
  readonly stored: string
  readonly idle: boolean
}

/** Which slot of which weight stands at each position. */
function positions(layout: Layout, trained: readonly { key: string; shape: readonly number[] }[]): Position[] {
  return layout.flatMap((group) =>
    trained.flatMap(({ key, shape }) => group.map((slot) => ({ key, shape, idle: false, ...slot }))),
  )
}

function layoutFits(
  layout: Layout,
  slots: readonly StoredVariable[],
  trained: readonly { key: string; shape: readonly number[] }[],
): boolean {
  const places = positions(layout, trained)
  if (places.length !== slots.length) return false
  return places.every(({ shape, idle }, i) => {
    const found = (slots[i] as StoredVariable).tensor.shape
    return sameShape(found, shape) || (idle && sizeOf(found) === 1)
  })
}

function placeSlots(
  layout: Layout,
  slots: readonly StoredVariable[],
  trained: readonly { key: string; shape: readonly number[] }[],
): OptimizerSlot[] {
  return positions(layout, trained).flatMap(({ key, slot, idle }, i) =>
    idle ? [] : [{ weight: key, slot, value: (slots[i] as StoredVariable).tensor }],
  )
}

/** A slot that a writer puts into its place. */
export interface PlacedSlot {
  readonly weight: string
  readonly slot: string
  /** The slot's name in the era's files. */
  readonly stored: string
  readonly tensor: LazyTensor
}

/**
 * The slots of a state in the order of an era's files; null when one is missing or the era has no layout for the
 * optimizer. Slots that the file must hold and the optimizer does not use are zeros.
 */
export function arrangeSlots(
  optimizer: { readonly className: string; readonly config: JsonObject; readonly era: OptimizerEra },
  slots: readonly OptimizerSlot[],
  trained: readonly { readonly key: string; readonly shape: readonly number[] }[],
): PlacedSlot[] | null {
  const layout = optimizerLayout(optimizer.className, optimizer.config, optimizer.era)
  if (!layout) return null
  const bySlot = new Map(slots.map((slot) => [`${slot.slot}:${slot.weight}`, slot.value]))
  const placed: PlacedSlot[] = []
  for (const { key, slot, stored, idle, shape } of positions(layout, trained)) {
    const tensor = bySlot.get(`${slot}:${key}`) ?? (idle ? zeros(shape) : undefined)
    if (!tensor) return null
    placed.push({ weight: key, slot, stored, tensor })
  }
  return placed
}

function zeros(shape: readonly number[]): LazyTensor {
  return { dtype: 'float32', shape, load: async () => new Tensor('float32', shape, new Float32Array(sizeOf(shape))) }
}

export function iterationTensor(iterations: number): LazyTensor {
  return lazyTensor(new Tensor('int64', [], BigInt64Array.of(BigInt(iterations))))
}

export function learningRateTensor(rate: number): LazyTensor {
  return lazyTensor(new Tensor('float32', [], Float32Array.of(rate)))
}
