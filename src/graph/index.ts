export { Builder, concreteShape } from './builder.ts'
export * from './ir.ts'
export * from './schema.ts'
