import type { Dim } from '../graph/index.ts'

/**
 * What targets and predictions of these shapes are, by Keras's rule, which looks at shapes alone: one prediction per
 * sample is binary; targets of a lower rank (or a last axis of 1 against more predictions) are class numbers.
 */
export function resolveByShapes(yTrue: readonly Dim[], yPred: readonly Dim[]): 'binary' | 'sparse' | 'categorical' {
  const predictions = yPred.at(-1)
  if (predictions === 1) return 'binary'
  return yTrue.length < yPred.length || yTrue.at(-1) === 1 ? 'sparse' : 'categorical'
}
