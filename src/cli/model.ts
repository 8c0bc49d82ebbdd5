import type { Model } from '../index.ts'
import type { Port } from './data.ts'
import type { Terminal } from './terminal/terminal.ts'

/** Loads a model and the engine to run it; what the user should know goes to the terminal. */
export async function loadWithNotice(file: string, weights: string | undefined, terminal: Terminal): Promise<Model> {
  const { loadModel } = await import('../index.ts')
  const model = await loadModel(file, {
    ...(weights !== undefined && { weights }),
    onWarning: ({ message, where }) => terminal.warn(where === undefined ? message : `${where}: ${message}`),
  })
  await announceEngine(model, terminal)
  return model
}

/** Loads the engine; says so when it is not the fast one, and what to do about it. */
export async function announceEngine(model: Model, terminal: Terminal): Promise<string> {
  const { description, notice } = await model.engine()
  if (notice !== undefined) terminal.warn(notice)
  return description
}

/** The outputs that need targets. */
export function targetPorts(model: Model): readonly Port[] {
  const wanted = model.requireCompiled().targets
  return model.outputs.filter((_, i) => wanted[i])
}
