export { isZip, openZip } from './read.ts'
export type { PlannedFile, ZipArchive, ZipEntry, ZipInput } from './types.ts'
export { planZip } from './write.ts'
