/** Set for the long run: twenty thousand broken files instead of some hundreds. */
export const slow = process.env.REKINDLE_SLOW === '1'

/** A generator of its own, so that a failure can be found again: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A copy with one to four changes: other bytes, flipped bits, undefined addresses, pieces from elsewhere. */
export function mutate(original: Uint8Array, random: () => number): Uint8Array {
  const bytes = new Uint8Array(original)
  const place = () => Math.floor(random() * bytes.length)
  const changes = 1 + Math.floor(random() * 4)
  for (let change = 0; change < changes; change++) {
    const at = place()
    const kind = random()
    if (kind < 0.4) bytes[at] = Math.floor(random() * 256)
    else if (kind < 0.6) bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8))
    else if (kind < 0.8) bytes.fill(0xff, at, at + 8)
    else bytes.copyWithin(at, place(), place())
  }
  return bytes
}
