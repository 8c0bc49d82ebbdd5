/**
 * Every way in which Rekindle refuses something.
 *
 * - `E_INVALID_*`: the file or the argument is wrong.
 * - `E_UNSUPPORTED_*`: it may be right, but Rekindle lacks it.
 * - `E_UNSAFE_*`: it was understood and is refused.
 * - `E_IO_*`: the operating system said no.
 * - `E_LIMIT`: a budget (size, depth, work) was passed before anything was allocated.
 */
export type ErrorCode =
  | 'E_INVALID_ARGUMENT'
  | 'E_INVALID_SHAPE'
  | 'E_INVALID_DTYPE'
  | 'E_INVALID_DATA'
  | 'E_INVALID_CONFIG'
  | 'E_INVALID_WEIGHTS'
  | 'E_INVALID_GRAPH'
  | 'E_INVALID_STATE'
  | 'E_INVALID_FILE'
  | 'E_INVALID_HDF5'
  | 'E_INVALID_ZIP'
  | 'E_INVALID_NPY'
  | 'E_INVALID_JSON'
  | 'E_INVALID_CSV'
  | 'E_INVALID_IMAGE'
  | 'E_INVALID_ONNX'
  | 'E_TRUNCATED'
  | 'E_NOT_A_MODEL'
  | 'E_NOT_FINITE'
  | 'E_UNSUPPORTED_FORMAT'
  | 'E_UNSUPPORTED_HDF5'
  | 'E_UNSUPPORTED_ZIP'
  | 'E_UNSUPPORTED_DTYPE'
  | 'E_UNSUPPORTED_LAYER'
  | 'E_UNSUPPORTED_OPTION'
  | 'E_UNSUPPORTED_OP'
  | 'E_UNSUPPORTED_ENGINE'
  | 'E_UNSUPPORTED_PLATFORM'
  | 'E_UNSAFE_PATH'
  | 'E_UNSAFE_LINK'
  | 'E_UNSAFE_CODE'
  | 'E_LIMIT'
  | 'E_IO_NOT_FOUND'
  | 'E_IO_READ'
  | 'E_IO_WRITE'
  | 'E_ABORTED'

export interface ErrorDetails {
  /** The place: a path inside the file, a layer, an argument name. */
  readonly where?: string
  readonly expected?: string
  readonly received?: string
  /** What the user can do about it. */
  readonly hint?: string
  readonly cause?: unknown
}

/** The one error class of Rekindle: one plain line, a code to switch on, and the place it happened. */
export class RekindleError extends Error {
  readonly code: ErrorCode
  readonly where: string | undefined
  readonly expected: string | undefined
  readonly received: string | undefined
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(compose(message, details), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'RekindleError'
    this.code = code
    this.where = details.where
    this.expected = details.expected
    this.received = details.received
    this.hint = details.hint
  }
}

/** A value in the words of a message: short, on one line. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' && typeof value !== 'string') return String(value)
  try {
    return JSON.stringify(value).slice(0, 120)
  } catch {
    return `an object of ${(value as object).constructor.name}`
  }
}

function compose(message: string, { where, expected, received, hint }: ErrorDetails): string {
  let text = where === undefined ? message : `${where}: ${message}`
  if (expected !== undefined) text += `; expected ${expected}`
  if (received !== undefined) text += `${expected === undefined ? ';' : ','} received ${received}`
  if (hint !== undefined) text += ` (${hint})`
  return text.replace(/\s*\n\s*/g, ' ')
}

/** Throws `E_ABORTED` when the signal has fired: called between the steps of every long operation. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RekindleError('E_ABORTED', 'stopped by the caller', { cause: signal.reason })
}
