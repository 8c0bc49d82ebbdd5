import { toSnakeCase } from '../nn/naming.ts'

const counters = new Map<string, number>()

/** `dense`, `dense_1`, … : Keras's automatic names, counted per class over the whole process. */
export function automaticName(className: string): string {
  const stem = toSnakeCase(className)
  const count = counters.get(stem) ?? 0
  counters.set(stem, count + 1)
  return count === 0 ? stem : `${stem}_${count}`
}

/** Starts the automatic names anew, as `keras.utils.clear_session` does. */
export function clearSession(): void {
  counters.clear()
}
