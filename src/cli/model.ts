import type { Model } from '../index.ts'
import type { Port } from './data.ts'
import type { Terminal } from './terminal/terminal.ts'

/** Loads a model to run it; what the user should know goes to the terminal. */
export async function loadWithNotice(file: string, weights: string | undefined, terminal: Terminal): Promise<Model> {
  const { loadModel } = await import('../index.ts')
  return loadModel(file, {
    ...(weights !== undefined && { weights }),
    onWarning: ({ message, where }) => terminal.warn(where === undefined ? message : `${where}: ${message}`),
  })
}

/** The outputs that need targets. */
export function targetPorts(model: Model): readonly Port[] {
  const wanted = model.requireCompiled().targets
  return model.outputs.filter((_, i) => wanted[i])
}
