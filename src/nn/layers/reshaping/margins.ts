import { RekindleError } from '../../../errors.ts'
import type { DataFormat } from '../windows.ts'

/** At the beginning and at the end of an axis. */
export type Margin = readonly [number, number]

/** One number for all sides, one per axis, or a pair per axis; in one dimension a pair alone. */
export type Margins = number | readonly number[] | readonly (readonly number[])[]

/** The pair of each spatial axis. @throws RekindleError `E_INVALID_CONFIG`. */
export function marginPairs(value: unknown, rank: number, key: string, where: string): readonly Margin[] {
  const list: readonly unknown[] = Array.isArray(value) ? (rank === 1 ? [value] : value) : new Array(rank).fill(value)
  const pairs = list.map((side) => (Array.isArray(side) ? side : [side, side]))
  const whole = (size: unknown): boolean => Number.isInteger(size) && (size as number) >= 0
  if (pairs.length === rank && pairs.every((pair) => pair.length === 2 && pair.every(whole))) {
    return pairs as unknown as Margin[]
  }
  throw new RekindleError('E_INVALID_CONFIG', `bad value for ${key}`, {
    where,
    expected: `a whole number, or one or two for each of ${rank} axes`,
    received: JSON.stringify(value),
  })
}

/** As Keras writes it: a list of pairs, a pair alone in one dimension. */
export function writtenMargins(pairs: readonly Margin[]): Margins {
  return pairs.length === 1 ? (pairs[0] as Margin) : pairs
}

/** Number of the first spatial axis. */
export function firstSpatial(format: DataFormat): number {
  return format === 'channels_first' ? 2 : 1
}
