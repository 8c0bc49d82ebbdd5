const MiB = 2 ** 20
const GiB = 2 ** 30

/**
 * Budgets for what a file may ask of us. They stand far above every real model and below what brings a process down;
 * readers take other values through their options.
 */
export const LIMITS = {
  /** A whole source in one array. */
  wholeSource: 4 * GiB - 1,
  /** The central directory of a zip archive: about half a million entries. */
  zipDirectory: 64 * MiB,
  /** What the compressed entries of an archive may inflate to: this much always, beyond it `inflateRatio` × the archive. */
  inflateFloor: 64 * MiB,
  inflateRatio: 200,
  /** Real ones take a few hundred bytes. */
  npyHeader: 2 ** 16,
  jsonText: 256 * MiB,
  /** Nested lists and objects; Python itself stops near 1,000. */
  jsonDepth: 500,
} as const

export type Limits = { readonly [name in keyof typeof LIMITS]: number }
