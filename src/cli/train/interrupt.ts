import type { Model } from '../../index.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** What a shell reports for a process that ^C ended. */
const EXIT_INTERRUPTED = 130

export interface Interrupt {
  readonly happened: boolean
  /** Gives ^C its usual meaning back. */
  release(): void
}

/** ^C once (or SIGTERM) stops the training after the step at hand, so that it can be saved; twice ends the program. */
export function stopOnInterrupt(model: Model, terminal: Terminal): Interrupt {
  let happened = false
  const stop = (): void => {
    if (happened) {
      terminal.live.clear()
      process.exit(EXIT_INTERRUPTED)
    }
    happened = true
    model.stopTraining = true
    terminal.note('finishing the step, then saving; ^C again stops at once and saves nothing')
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    get happened() {
      return happened
    },
    release: () => {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}
