import { RekindleError } from '../../errors.ts'
import type { Builder, Value } from '../../graph/index.ts'
import { formatShape, normalizeAxis, sameShape } from '../../tensor/index.ts'
import { cast, clip, Formula, reduce } from '../formula.ts'
import { addColumn, dropColumn } from './same-rank.ts'

/** Keras's `epsilon()`: probabilities stay this far from 0 and 1. */
const EPSILON = 1e-7

interface Scores {
  readonly scores: Value
  readonly areLogits: boolean
}

/**
 * The logits of an output that comes straight from a softmax or a sigmoid, else the output itself. Like Keras on
 * TensorFlow, this looks neither at `from_logits` nor at which of the two activations suits the loss.
 */
function recoverLogits(b: Builder, yPred: Value, fromLogits: boolean): Scores {
  const producer = b.producerOf(yPred)
  const logits = producer?.op === 'Softmax' || producer?.op === 'Sigmoid' ? producer.inputs[0] : null
  return logits ? { scores: logits, areLogits: true } : { scores: yPred, areLogits: fromLogits }
}

function requireSameShape(yTrue: Value, yPred: Value, loss: string): void {
  const fits = yTrue.shape.length === yPred.shape.length
  const symbolic = [...yTrue.shape, ...yPred.shape].some((dim) => typeof dim === 'string')
  if (fits && (symbolic || sameShape(yTrue.shape, yPred.shape))) return
  throw new RekindleError('E_INVALID_SHAPE', `${loss}: targets do not fit the predictions`, {
    expected: formatShape(yPred.shape),
    received: formatShape(yTrue.shape),
  })
}

export interface SmoothedConfig {
  readonly from_logits: boolean
  readonly label_smoothing: number
  readonly axis: number
}

/** `−[y·log p + (1 − y)·log(1 − p)]`, averaged over the axis. */
export function binaryCrossentropy(b: Builder, yTrue: Value, yPred: Value, config: SmoothedConfig): Value {
  requireSameShape(yTrue, yPred, 'binary_crossentropy')
  const m = new Formula(b, yPred.dtype)
  const target = smooth(m, cast(b, yTrue, yPred.dtype), config.label_smoothing, 0.5)
  const { scores, areLogits } = recoverLogits(b, yPred, config.from_logits)
  const axis = [normalizeAxis(config.axis, yPred.shape.length, 'axis')]
  // softplus(x) − x·y is the same with p = sigmoid(x), and never overflows.
  if (areLogits) return reduce(b, 'ReduceMean', m.sub(b.op('Softplus', [scores]), m.mul(scores, target)), axis)
  const p = clip(b, scores, EPSILON, 1 - EPSILON)
  const likelihood = m.add(m.mul(target, m.log(p)), m.mul(m.sub(1, target), m.log(m.sub(1, p))))
  return m.neg(reduce(b, 'ReduceMean', likelihood, axis))
}

/** `−Σ y·log p` over the axis. Probabilities are first made to sum to 1. */
export function categoricalCrossentropy(b: Builder, yTrue: Value, yPred: Value, config: SmoothedConfig): Value {
  requireSameShape(yTrue, yPred, 'categorical_crossentropy')
  const m = new Formula(b, yPred.dtype)
  const classes = yPred.shape.at(-1)
  const share = typeof classes === 'number' ? 1 / classes : 0
  const target = smooth(m, cast(b, yTrue, yPred.dtype), config.label_smoothing, share)
  const { scores, areLogits } = recoverLogits(b, yPred, config.from_logits)
  const axis = normalizeAxis(config.axis, yPred.shape.length, 'axis')
  const logP = areLogits
    ? b.op('LogSoftmax', [scores], { axis })
    : m.log(clip(b, m.div(scores, m.sum(scores, [axis])), EPSILON, 1 - EPSILON))
  return m.neg(reduce(b, 'ReduceSum', m.mul(target, logP), [axis]))
}

function smooth(m: Formula, target: Value, smoothing: number, share: number): Value {
  return smoothing === 0 ? target : m.add(m.mul(target, 1 - smoothing), smoothing * share)
}

export interface SparseConfig {
  readonly from_logits: boolean
  readonly ignore_class: number | null
  readonly axis: number
}

/** The class numbers without a last axis of size 1. */
function classNumbers(b: Builder, yTrue: Value, yPred: Value): Value {
  const labels = yTrue.shape.length === yPred.shape.length && yTrue.shape.at(-1) === 1 ? dropColumn(b, yTrue) : yTrue
  if (labels.shape.length === yPred.shape.length - 1) return labels
  throw new RekindleError('E_INVALID_SHAPE', 'sparse_categorical_crossentropy: class numbers do not fit', {
    expected: formatShape(yPred.shape.slice(0, -1)),
    received: formatShape(yTrue.shape),
    hint: 'one-hot targets take categorical_crossentropy',
  })
}

/** True where the target is not the class to ignore; null when there is none. */
export function countedClasses(b: Builder, yTrue: Value, yPred: Value, { ignore_class: ignored }: SparseConfig) {
  if (ignored === null) return null
  const labels = cast(b, classNumbers(b, yTrue, yPred), 'int64')
  return b.op('Not', [b.op('Equal', [labels, b.scalar(BigInt(ignored), 'int64')])])
}

/** `−log p` of the target's class. Probabilities without known logits are clipped and taken through a softmax again. */
export function sparseCategoricalCrossentropy(b: Builder, yTrue: Value, yPred: Value, config: SparseConfig): Value {
  const m = new Formula(b, yPred.dtype)
  if (normalizeAxis(config.axis, yPred.shape.length, 'axis') !== yPred.shape.length - 1) {
    throw new RekindleError('E_UNSUPPORTED_OPTION', 'sparse_categorical_crossentropy over another axis than the last', {
      received: `axis ${config.axis}`,
    })
  }
  let labels = cast(b, classNumbers(b, yTrue, yPred), 'int64')
  const counted = countedClasses(b, yTrue, yPred, config)
  let predictions = yPred
  if (counted) {
    labels = b.op('Where', [counted, labels, b.scalar(0n, 'int64')])
    predictions = m.where(addColumn(b, counted), yPred, 0)
  }
  const { scores, areLogits } = recoverLogits(b, predictions, config.from_logits)
  const logits = areLogits ? scores : m.log(clip(b, scores, EPSILON, 1 - EPSILON))
  const logP = b.op('LogSoftmax', [logits], { axis: -1 })
  const loss = m.neg(dropColumn(b, b.op('GatherElements', [logP, addColumn(b, labels)], { axis: -1 })))
  return counted ? m.where(counted, loss, 0) : loss
}
