export { Builder, concreteShape } from './builder.ts'
export { type Inlined, inline } from './inline.ts'
export * from './ir.ts'
export * from './schema.ts'
