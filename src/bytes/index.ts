/** The containers without meaning, for whoever wants to look into a file: `rekindle/bytes`. */
export * from './hdf5/index.ts'
export {
  formatFloat,
  formatJson,
  type JsonDocument,
  type JsonFormatOptions,
  type JsonParseOptions,
  JsonSpellings,
  type JsonValue,
  parseJson,
} from './json.ts'
export { LIMITS, type Limits } from './limits.ts'
export { encodeNpy, isNpy, openNpy, planNpy, readNpy, type StoredTensor } from './npy.ts'
export { planNpz, readNpz } from './npz.ts'
export {
  blobSource,
  cachedSource,
  fileSource,
  memorySource,
  readAll,
  type Sink,
  type Source,
  type SourceInput,
  sliceSource,
  toSource,
} from './source.ts'
export { urlSource } from './url-source.ts'
export {
  isZip,
  openZip,
  type PlannedFile,
  planZip,
  type ZipArchive,
  type ZipEntry,
  type ZipInput,
} from './zip/index.ts'
