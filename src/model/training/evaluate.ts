import { now, yieldToEventLoop } from '#platform'
import { throwIfAborted } from '../../errors.ts'
import type { Logs } from '../callbacks.ts'
import type { Model } from '../model.ts'
import type { Dataset } from './inputs.ts'
import { Totals } from './totals.ts'

const YIELD_MS = 40

/** Loss and metrics over a dataset, without changing the model. */
export async function evaluateDataset(model: Model, data: Dataset, signal: AbortSignal | undefined): Promise<Logs> {
  const trainer = await model.trainer()
  const { compiled } = trainer
  let metrics = data.targetShapes && compiled.metricsFor(data.targetShapes)
  let totals = metrics && new Totals(compiled, metrics)
  let lastYield = now()
  for await (const batch of data.epoch({})) {
    throwIfAborted(signal)
    metrics ??= compiled.metricsFor(batch.tensors.y.map((tensor) => tensor?.shape ?? null))
    totals ??= new Totals(compiled, metrics)
    const program = await trainer.programFor(batch.tensors, metrics, false)
    totals.add(await program.run(batch.tensors), batch.rows)
    if (now() - lastYield > YIELD_MS) {
      await yieldToEventLoop()
      lastYield = now()
    }
  }
  return totals?.logs() ?? {}
}
