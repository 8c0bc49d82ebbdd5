import type { Layer } from './layer.ts'
import { callReferences, type Network } from './network.ts'

/**
 * The order in which Keras computes the calls of a network: by their distance from the outputs, the last output's side
 * first; all calls of one layer are at least as far away as the last of them (`keras/src/ops/function.py`, map_graph).
 * It matters where a layer that is called twice changes its own statistics.
 *
 * @returns Indices of calls; each comes after those that it takes values from.
 */
export function callOrder({ calls }: Pick<Network, 'calls'>): readonly number[] {
  const depths = new Map<number, number>()
  const layerDepths = new Map<Layer, number>()
  for (const [index, call] of [...calls.entries()].reverse()) {
    const depth = Math.max(depths.get(index) ?? 0, layerDepths.get(call.layer) ?? 0)
    layerDepths.set(call.layer, depth)
    depths.set(index, depth)
    for (const { call: source } of callReferences(call)) {
      depths.set(source, Math.max(depth + 1, depths.get(source) ?? 0))
    }
  }
  return [...depths].sort(([, a], [, b]) => b - a).map(([index]) => index)
}
