import type { ModelWarning } from '../doc.ts'

/** Gathers what a reader or writer has to say; the same thing about the same place is said once. */
export class Report {
  readonly #warnings = new Map<string, ModelWarning>()

  warn(code: string, message: string, where?: string): void {
    const key = `${code} ${where ?? ''} ${message}`
    this.#warnings.set(key, { code, message, ...(where === undefined ? {} : { where }) })
  }

  get warnings(): readonly ModelWarning[] {
    return [...this.#warnings.values()]
  }
}
