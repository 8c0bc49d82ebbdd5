import { planHdf5 } from '../../bytes/hdf5/index.ts'
import { RekindleError } from '../../errors.ts'
import type { Codec, OutputFile, Probe, WriteOptions } from '../codec.ts'
import type { ModelDoc } from '../doc.ts'
import { GroupDraft } from './h5-tree.ts'
import { Report } from './report.ts'
import { writeTraining } from './training.ts'
import { readAllVars, writeVars } from './vars.ts'
import { writeOptimizer } from './zip.ts'

const ID = 'keras-weights-h5'
const MARKS = ['layers', '_layer_checkpoint_dependencies', 'vars']

/** Keras 3's weights file: numbered variables under paths of class names. */
export const kerasWeightsH5: Codec = {
  id: ID,
  extensions: ['.weights.h5'],
  async detect(probe) {
    const file = await probe.hdf5()
    if (!file) return false
    const attributes = await file.root.attributes()
    if (['model_config', 'layer_names', 'layer_names0'].some((name) => attributes.has(name))) return false
    const links = await file.root.links()
    return !links.has('model_weights') && MARKS.some((name) => links.has(name))
  },
  read,
  write,
}

async function read(probe: Probe): Promise<ModelDoc> {
  const file = await probe.hdf5()
  if (!file) throw new RekindleError('E_INVALID_FILE', 'not an HDF5 file', { where: probe.name })
  const { root } = file
  const report = new Report()
  if ((await root.links()).has('optimizer')) {
    report.warn('optimizer-state-not-read', 'the file also holds the state of an optimizer that it does not name')
  }
  return {
    format: ID,
    description: 'Keras 3 HDF5, weights only',
    producer: { name: 'keras', version: null },
    architecture: { kind: 'weights' },
    weights: await readAllVars(root),
    training: null,
    assets: new Map(),
    rawConfig: null,
    warnings: report.warnings,
    close: async () => probe.source.close?.(),
  }
}

async function write(doc: ModelDoc, options: WriteOptions): Promise<readonly OutputFile[]> {
  const report = new Report()
  const root = new GroupDraft()
  if (doc.architecture.kind === 'layers') {
    const { graph } = doc.architecture
    if (!options.weightsOnly) {
      report.warn('weights-only', 'a .weights.h5 file holds weights and optimizer slots: no architecture, no settings')
    }
    writeVars(root, graph, doc.weights)
    const training = writeTraining(doc.training, 'keras3', graph, doc.weights, report)
    if (training?.state && options.includeOptimizer !== false) writeOptimizer(root, training, training.state)
  } else if (
    doc.architecture.kind === 'weights' &&
    [...doc.weights.keys()].every((key) => /(^|\/)vars\/\d+$/.test(key))
  ) {
    for (const [path, tensor] of doc.weights) root.dataset(path, tensor)
  } else {
    throw new RekindleError('E_UNSUPPORTED_FORMAT', 'the paths in a .weights.h5 file come from the layers of a model', {
      received: doc.architecture.kind === 'graph' ? 'a graph of operators' : 'weights without a model',
      hint: 'give the architecture too, or write .h5 or .npz',
    })
  }
  for (const warning of report.warnings) options.onWarning?.(warning)
  const plan = planHdf5(root)
  return [{ path: '', size: plan.size, chunks: plan.chunks() }]
}
