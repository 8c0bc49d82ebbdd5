export type { SourceInput as OpenInput } from '../bytes/source.ts'
export { kerasJson, readKerasJson } from './keras/architecture.ts'
export { open, probe } from './open.ts'
export { codecForWriting, type ModelWriteOptions, modelBytes, writeModel } from './write.ts'
