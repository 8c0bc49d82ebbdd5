export { decodeModel } from './decode.ts'
export { type EncodeOptions, encodeModel, encodeModelChunks } from './encode.ts'
