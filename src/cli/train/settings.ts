import { RekindleError } from '../../errors.ts'
import type { CompileOptions, Model } from '../../index.ts'

export interface CompileSettings {
  readonly optimizer?: string | undefined
  readonly learningRate?: number | undefined
  readonly loss?: string | undefined
  readonly metrics?: readonly string[] | undefined
}

/**
 * Puts the settings of the command line in place of those of the file. Another optimizer, loss or metric compiles the
 * model anew, which ends the optimizer's state; another learning rate keeps it.
 *
 * @param onReset is called when that ends a state that the file held, and no other optimizer was asked for.
 * @throws RekindleError `E_INVALID_STATE` when neither the file nor the command line says how to train.
 */
export function recompile(model: Model, settings: CompileSettings, onReset: () => void = () => {}): void {
  const { optimizer, learningRate, loss, metrics = [] } = settings
  if (optimizer !== undefined || loss !== undefined || metrics.length > 0) {
    const spec = model.compiled?.spec ?? null
    if (loss === undefined && spec === null) throw notCompiled()
    if (model.isCompiled && model.optimizer.iterations > 0 && optimizer === undefined) onReset()
    model.compile({
      optimizer: parseIdentifier(optimizer, '--optimizer') ?? spec?.optimizer ?? 'adam',
      loss: parseIdentifier(loss, '--loss') ?? spec?.loss ?? null,
      lossWeights: spec?.lossWeights ?? null,
      metrics: metrics.length > 0 ? metrics.flatMap((text) => text.split(',')) : (spec?.metrics ?? null),
      weightedMetrics: spec?.weightedMetrics ?? null,
    } as CompileOptions)
  }
  if (!model.isCompiled) throw notCompiled()
  if (learningRate !== undefined) model.optimizer.learningRate = learningRate
}

function notCompiled(): RekindleError {
  return new RekindleError('E_INVALID_STATE', 'the file does not say how the model is trained', {
    expected: '--loss, and --optimizer if not adam',
  })
}

/** A name, or a Keras object as JSON: `{"class_name":"Adam","config":{"learning_rate":0.01}}`. */
function parseIdentifier(text: string | undefined, option: string): unknown {
  if (text === undefined || !text.trimStart().startsWith('{')) return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RekindleError('E_INVALID_JSON', `${option}: not JSON`, {
      expected: 'a name or {"class_name": …, "config": …}',
      received: text,
      cause,
    })
  }
}
