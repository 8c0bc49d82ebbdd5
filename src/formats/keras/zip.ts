import { openHdf5, planHdf5 } from '../../bytes/hdf5/index.ts'
import type { H5Group } from '../../bytes/hdf5/types.ts'
import { readAll } from '../../bytes/source.ts'
import { planZip, type ZipInput } from '../../bytes/zip/index.ts'
import { RekindleError } from '../../errors.ts'
import { Tensor } from '../../tensor/index.ts'
import type { Codec, OutputFile, Probe, WriteOptions, ZipArchive } from '../codec.ts'
import type { LazyTensor, ModelDoc } from '../doc.ts'
import { writeKeras3Compile } from './compile.ts'
import { readModelConfig } from './config-read.ts'
import { writeModelConfig } from './config-write.ts'
import { GroupDraft } from './h5-tree.ts'
import { readHardSigmoid, writeHardSigmoid } from './hard-sigmoid.ts'
import { formatConfig, parseConfig, rememberSpellings } from './json-text.ts'
import { iterationTensor, learningRateTensor } from './optimizer-state.ts'
import { originOf } from './producer.ts'
import { warnOfKeras3Refusals } from './refusals.ts'
import { Report } from './report.ts'
import { formatState, parseState, STATE_ENTRY } from './state.ts'
import { readTraining, type WrittenTraining, writeTraining } from './training.ts'
import { field, stringField } from './values.ts'
import { readOptimizerVars, readVars, writeVars } from './vars.ts'

const ID = 'keras'
const CONFIG = 'config.json'
const METADATA = 'metadata.json'
const WEIGHTS = 'model.weights.h5'
const ASSETS = 'assets/'
/** The version whose layout is written. */
const VERSION = '3.15.1'

/** Keras 3's archive, as Keras 3 and tf-keras (from 2.12) write it. */
export const kerasZip: Codec = {
  id: ID,
  extensions: ['.keras'],
  async detect(probe) {
    const zip = await probe.zip()
    return zip?.entries.has(CONFIG) === true && [METADATA, WEIGHTS].some((name) => zip.entries.has(name))
  },
  read,
  write,
}

async function read(probe: Probe): Promise<ModelDoc> {
  const zip = await probe.zip()
  const configText = zip && (await readEntry(zip, CONFIG))
  if (!zip || !configText)
    throw new RekindleError('E_INVALID_FILE', 'no config.json in the archive', { where: probe.name })
  const report = new Report()
  const config = parseConfig(configText, `${probe.name}/${CONFIG}`)
  const written = readModelConfig(config.value, report)
  rememberSpellings(written, config.spellings)
  const stateText = await readEntry(zip, STATE_ENTRY)
  const own = stateText ? parseState(stateText, STATE_ENTRY, report) : null
  const metadata = await readEntry(zip, METADATA)
  const version = metadata
    ? stringField(parseConfig(metadata, `${probe.name}/${METADATA}`).value, 'keras_version')
    : undefined
  const origin = originOf(version, config.value, own !== null)
  const graph = readHardSigmoid(written, own?.hardSigmoid ?? origin.family)
  const root = await openWeights(zip, probe, report)
  const weights = root ? await readVars(root, graph, report) : new Map<string, LazyTensor>()
  const variables = (root && (await readOptimizerVars(root)))?.map((tensor) => ({ tensor }))
  const compileConfig = field(config.value, 'compile_config')
  const { family } = origin
  const training = await readTraining({ config: compileConfig, family, graph, weights, variables, own, report })
  return {
    format: ID,
    description: `${origin.label} archive`,
    producer: origin.producer,
    architecture: { kind: 'layers', graph },
    weights,
    training,
    assets: await readAssets(zip),
    rawConfig: config.value,
    warnings: report.warnings,
    close: async () => probe.source.close?.(),
  }
}

async function readEntry(zip: ZipArchive, name: string): Promise<Uint8Array | undefined> {
  const entry = zip.entries.get(name)
  return entry ? readAll(await entry.open()) : undefined
}

async function openWeights(zip: ZipArchive, probe: Probe, report: Report): Promise<H5Group | undefined> {
  const entry = zip.entries.get(WEIGHTS)
  if (entry) return (await openHdf5(await entry.open())).root
  const other = [...zip.entries.keys()].find((name) => name.startsWith('model.weights.'))
  report.warn(
    'weights-absent',
    other ? `weights in ${other} cannot be read yet` : 'the archive holds no weights',
    probe.name,
  )
  return undefined
}

/** Files that layers keep (vocabularies), as bytes by their path in the archive. */
async function readAssets(zip: ZipArchive): Promise<Map<string, LazyTensor>> {
  const assets = new Map<string, LazyTensor>()
  for (const [name, entry] of zip.entries) {
    if (!name.startsWith(ASSETS) || name.endsWith('/')) continue
    const load = async (): Promise<Tensor> => {
      const bytes = await readAll(await entry.open())
      return new Tensor('uint8', [bytes.length], bytes.slice())
    }
    assets.set(name.slice(ASSETS.length), { dtype: 'uint8', shape: [entry.size], load })
  }
  return assets
}

async function write(doc: ModelDoc, options: WriteOptions): Promise<readonly OutputFile[]> {
  if (doc.architecture.kind !== 'layers') {
    throw new RekindleError('E_UNSUPPORTED_FORMAT', 'a .keras file holds layers', {
      received: doc.architecture.kind === 'graph' ? 'a graph of operators' : 'weights without a model',
      hint:
        doc.architecture.kind === 'weights'
          ? 'give the architecture too, or write .h5 or .npz'
          : 'write another format',
    })
  }
  const report = new Report()
  const graph = writeHardSigmoid(doc.architecture.graph, 'keras3', report)
  warnOfKeras3Refusals(graph, report)
  const training = writeTraining(doc.training, 'keras3', graph, doc.weights, report)
  const compileConfig = training ? writeKeras3Compile(training.compile, training.optimizer) : {}
  const config = { ...writeModelConfig(graph, 'keras3', report), compile_config: compileConfig }
  const root = new GroupDraft()
  writeVars(root, graph, doc.weights)
  if (training?.state && options.includeOptimizer !== false) writeOptimizer(root, training, training.state)
  const plan = planHdf5(root)
  const state = formatState(doc, 'keras3')
  const text = (name: string, content: string): ZipInput => ({ name, bytes: new TextEncoder().encode(content) })
  const inputs: ZipInput[] = [
    text(METADATA, formatConfig({ keras_version: VERSION }, graph)),
    text(CONFIG, formatConfig(config, graph)),
    { name: WEIGHTS, size: plan.size, chunks: () => plan.chunks() },
    ...(state === null ? [] : [text(STATE_ENTRY, state)]),
  ]
  for (const [name, asset] of doc.assets) {
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield (await asset.load()).data as Uint8Array
    }
    inputs.push({ name: ASSETS + name, size: asset.shape[0] ?? 0, chunks })
  }
  for (const warning of report.warnings) options.onWarning?.(warning)
  const archive = planZip(inputs)
  return [{ path: '', size: archive.size, chunks: archive.chunks() }]
}

/** The count, the learning rate (unless a schedule gives it), then the slots. */
export function writeOptimizer(
  root: GroupDraft,
  { optimizer }: WrittenTraining,
  { iterations, learningRate, slots }: NonNullable<WrittenTraining['state']>,
): void {
  const vars = root.group('optimizer/vars')
  vars.attributes.set('name', stringField(field(optimizer, 'config'), 'name') ?? 'optimizer')
  const rate = learningRate === null ? [] : [learningRateTensor(learningRate)]
  const all = [iterationTensor(iterations), ...rate, ...slots.map(({ tensor }) => tensor)]
  for (const [i, tensor] of all.entries()) vars.dataset(String(i), tensor)
}
