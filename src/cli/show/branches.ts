interface Row {
  readonly name: string
  readonly from: readonly string[]
}

/** A branched part that is longer than this fills the screen: its lines would say nothing. */
const LONGEST_BRANCH = 12

/**
 * The mark of each row of a layer table: `├` and `└` in front of the layers between the one where paths part and the
 * one where they meet again, empty elsewhere. Rows stand in the order in which they are computed.
 */
export function branchMarks(rows: readonly Row[]): ('' | '├' | '└')[] {
  const dominators = immediateDominators(rows)
  const inside = new Array<boolean>(rows.length).fill(false)
  rows.forEach(({ from }, end) => {
    const start = dominators[end] ?? -1
    if (from.length < 2 || start < 0 || end - start - 1 > LONGEST_BRANCH) return
    inside.fill(true, start + 1, end)
  })
  return inside.map((marked, i) => (marked ? (inside[i + 1] ? '├' : '└') : ''))
}

/**
 * For each row the last row that every path to it passes, -1 where there is none: the single-pass form, for rows in
 * order, of Cooper, Harvey and Kennedy's algorithm.
 */
function immediateDominators(rows: readonly Row[]): number[] {
  const indexOf = new Map(rows.map(({ name }, i) => [name, i]))
  const dominators: number[] = []
  const meet = (a: number, b: number): number => {
    let [x, y] = [a, b]
    while (x !== y) {
      if (x > y) x = dominators[x] as number
      else y = dominators[y] as number
    }
    return x
  }
  rows.forEach(({ from }, i) => {
    const sources = from.map((name) => indexOf.get(name) ?? -1).filter((source) => source < i)
    dominators.push(sources.length === 0 ? -1 : sources.reduce(meet))
  })
  return dominators
}
