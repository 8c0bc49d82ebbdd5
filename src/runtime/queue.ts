/** Runs one piece of asynchronous work after the other, in the order in which they were given. */
export type Queue = <T>(work: () => Promise<T>) => Promise<T>

/** A queue goes on after work that failed; the failure is its giver's alone. */
export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }
}
