import type { Codec } from './codec.ts'
import { kerasH5 } from './keras/h5.ts'
import { kerasWeightsH5 } from './keras/weights-h5.ts'
import { kerasZip } from './keras/zip.ts'
import { npz } from './npz.ts'

/** Every format. To add one: its codec in a folder of its own, and its row here. */
export const CODECS: readonly Codec[] = [kerasZip, kerasWeightsH5, kerasH5, npz]
