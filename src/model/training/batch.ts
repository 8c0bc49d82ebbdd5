import { RekindleError } from '../../errors.ts'
import type { RunState } from '../../formats/doc.ts'
import type { Logs } from '../callbacks.ts'
import type { DataInput } from '../data/index.ts'
import type { Model } from '../model.ts'
import { nextSeed } from '../seeds.ts'
import { type DatasetBatch, type DatasetOptions, prepareData } from './inputs.ts'
import { Totals } from './totals.ts'

export type BatchOptions = Pick<DatasetOptions, 'sampleWeight' | 'classWeight'>

/** One training step on all rows at once; the values are from before the update. */
export async function trainBatch(model: Model, x: DataInput, y: DataInput, options: BatchOptions): Promise<Logs> {
  const compiled = model.requireCompiled()
  // More rows than any array holds: everything is one batch.
  const wanted = { ...options, batchSize: Number.MAX_SAFE_INTEGER }
  const { train } = await prepareData(x, y, compiled, model.inputSpecs, wanted)
  const trainer = await model.trainer()
  const metrics = compiled.metricsFor(train.targetShapes ?? [])
  const totals = new Totals(compiled, metrics)
  const [batch] = train.epoch({}) as Iterable<DatasetBatch>
  if (!batch) throw new RekindleError('E_INVALID_DATA', 'the data is empty', { where: 'x' })
  const program = await trainer.programFor(batch.tensors, metrics, true)
  const run = model.runState ?? { seed: nextSeed(), step: 0, epoch: 0, stepInEpoch: 0 }
  trainer.random.set(run.seed, run.step)
  const stats = await program.run(batch.tensors)
  if (!Number.isFinite(stats[0])) {
    throw new RekindleError('E_NOT_FINITE', `the loss became ${stats[0]}`, { hint: 'the weights have not changed' })
  }
  program.commit()
  totals.add(stats, batch.rows)
  await trainer.update()
  model.runState = { ...run, step: run.step + 1 } satisfies RunState
  return totals.logs()
}
