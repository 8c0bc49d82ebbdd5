export { type EncodeOptions, encodeModel, encodeModelChunks } from './encode.ts'
