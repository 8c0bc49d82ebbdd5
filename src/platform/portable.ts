/** What Node and browsers have in common. */

export function now(): number {
  return performance.now()
}

export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number
}
