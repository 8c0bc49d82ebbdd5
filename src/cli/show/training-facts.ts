import type { Json, ModelDoc } from '../../index.ts'
import { count, setting } from '../terminal/format.ts'
import type { Styles } from '../terminal/style.ts'
import { printable } from '../terminal/text.ts'

/** `Adam lr 0.001, step 22,500, slots kept   loss sparse categorical crossentropy   metrics accuracy`; or nothing. */
export function trainingFacts({ training }: ModelDoc, style: Styles): string {
  if (training === null) return ''
  const { compile, iterations, slots } = training
  if (compile === null) return style.dim('not compiled')
  const { className, config } = identify(compile.optimizer)
  const rate = config.learning_rate
  const optimizer = [
    style.bold(className) + (typeof rate === 'number' ? ` lr ${setting(rate)}` : ''),
    ...(iterations === null ? [] : [`step ${count(iterations)}`]),
    slots.length > 0 ? 'state kept' : 'no state',
  ].join(', ')
  const parts = [optimizer]
  if (compile.loss !== null) parts.push(`${style.bold('loss')} ${names(compile.loss)}`)
  const metrics = [compile.metrics, compile.weightedMetrics].map(names).filter((text) => text !== '')
  if (metrics.length > 0) parts.push(`${style.bold('metrics')} ${metrics.join(', ')}`)
  return parts.join('   ')
}

interface Identity {
  readonly className: string
  readonly config: { readonly [key: string]: Json }
}

/** Keras writes an object as its name, or as `{ class_name, config }`. */
function identify(value: Json): Identity {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { className: printable(String(value)), config: {} }
  }
  const { class_name: className, config } = value as { class_name?: Json; config?: Json }
  const known = typeof config === 'object' && config !== null && !Array.isArray(config)
  return { className: printable(String(className ?? 'custom')), config: known ? (config as Identity['config']) : {} }
}

/** The names in a loss or metrics setting, however it is nested. */
function names(value: Json): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value))
    return value
      .map(names)
      .filter((text) => text !== '')
      .join(', ')
  if (typeof value === 'object' && !('class_name' in value)) {
    return Object.entries(value)
      .map(([output, setting]) => `${printable(output)}: ${names(setting)}`)
      .join(', ')
  }
  const { className, config } = identify(value)
  const name = typeof config.name === 'string' ? printable(config.name) : className
  return name.replaceAll('_', ' ')
}
