/** At most this often is the line drawn: fast enough to look alive, slow enough to cost a step nothing. */
const INTERVAL_MS = 100

const CLEAR_LINE = '\r\x1b[2K'

export interface LiveStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** One line of a terminal that is written over and over. On anything but a terminal it writes nothing. */
export class LiveLine {
  readonly enabled: boolean
  readonly #stream: LiveStream
  readonly #now: () => number
  #drawnAt = Number.NEGATIVE_INFINITY
  #visible = false

  constructor(stream: LiveStream, { enabled = true, now = () => performance.now() } = {}) {
    this.#stream = stream
    this.#now = now
    this.enabled = enabled && stream.isTTY === true
  }

  /** Draws the line, unless it was drawn a moment ago: `text` is then not even called. */
  update(text: (columns: number) => string): void {
    if (!this.enabled) return
    const now = this.#now()
    if (now - this.#drawnAt < INTERVAL_MS) return
    this.#drawnAt = now
    const line = text(this.#stream.columns || 80)
    this.#stream.write(CLEAR_LINE + line)
    this.#visible = true
  }

  /** Takes the line away, so that something else can be printed in its place. */
  clear(): void {
    if (this.#visible) this.#stream.write(CLEAR_LINE)
    this.#visible = false
    this.#drawnAt = Number.NEGATIVE_INFINITY
  }
}
