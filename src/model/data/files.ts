import type { ArrayInput } from './arrays.ts'
export async function readArrays(_path: string): Promise<ReadonlyMap<string, ArrayInput>> {
  return new Map()
}
