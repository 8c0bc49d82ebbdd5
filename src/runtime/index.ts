export * from './memory.ts'
export * from './optimizer-step.ts'
export * from './threads.ts'
export type * from './types.ts'
