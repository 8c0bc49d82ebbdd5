import type { Command } from './command.ts'

interface Entry {
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Every command, loaded when it is called: starting is felt, and most commands need only a part of the house. */
export const COMMANDS: { readonly [name: string]: Entry } = {
  demo: {
    summary: 'train a network on real digits, save it, load it back and predict',
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  show: {
    summary: 'what is inside a model file, without reading its weights',
    load: async () => (await import('./commands/show.ts')).show,
  },
  predict: {
    summary: 'run a model on arrays or images',
    load: async () => (await import('./commands/predict.ts')).predict,
  },
  evaluate: {
    summary: 'loss and metrics of a model on data',
    load: async () => (await import('./commands/evaluate.ts')).evaluate,
  },
  train: {
    summary: 'go on training a saved model where it stopped',
    load: async () => (await import('./commands/train.ts')).train,
  },
  convert: {
    summary: 'write a model in another format',
    load: async () => (await import('./commands/convert.ts')).convert,
  },
}
