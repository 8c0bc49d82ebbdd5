import { arraysOf, planNpz } from '../bytes/npz.ts'
import { RekindleError } from '../errors.ts'
import type { Codec } from './codec.ts'

/** numpy's archive of arrays: weights by their canonical keys, and nothing else. */
export const npz: Codec = {
  id: 'npz',
  extensions: ['.npz'],
  async detect(probe) {
    const names = [...((await probe.zip())?.entries.keys() ?? [])]
    return names.length > 0 && names.every((name) => name.endsWith('.npy'))
  },
  async read(probe) {
    const zip = await probe.zip()
    if (!zip) throw new RekindleError('E_INVALID_FILE', 'not a zip archive', { where: probe.name })
    return {
      format: 'npz',
      description: 'NumPy archive, weights only',
      producer: { name: 'numpy', version: null },
      architecture: { kind: 'weights' },
      weights: await arraysOf(zip),
      training: null,
      assets: new Map(),
      rawConfig: null,
      warnings: [],
      close: async () => probe.source.close?.(),
    }
  },
  async write(doc, options) {
    if (doc.architecture.kind === 'layers' && !options.weightsOnly) {
      options.onWarning?.({
        code: 'weights-only',
        message: 'an .npz file holds the weights alone: no architecture, no training state',
      })
    }
    const plan = await planNpz(doc.weights)
    return [{ path: '', size: plan.size, chunks: plan.chunks() }]
  },
}
