const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `1,875`. */
export function count(value: number | bigint): string {
  return grouped.format(value)
}

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** `5.3 MB`, in powers of 1000. */
export function bytes(value: number): string {
  let unit = 0
  let amount = value
  while (amount >= 999.5 && unit < BYTE_UNITS.length - 1) {
    amount /= 1000
    unit++
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : 1
  return `${amount.toFixed(digits)} ${value === 1 ? 'byte' : BYTE_UNITS[unit]}`
}

/** A measured number in four to five significant digits: `0.2114`, `12.35`, `1.3e-7`, `NaN`. */
export function measure(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size < 1e-3 || size >= 1e6) return value.toExponential(2)
  if (size < 10) return value.toFixed(4)
  return value.toFixed(size < 1000 ? 2 : 1)
}

/** `94.02%`. */
export function percent(value: number): string {
  return Number.isFinite(value) ? `${(value * 100).toFixed(2)}%` : String(value)
}

/** Milliseconds of one step: `0.21`, `3.4`, `31`. */
export function milliseconds(value: number): string {
  return value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)
}

/** A span of time for people, from milliseconds: `0.4 s`, `58 s`, `3 min 12 s`, `2 h 05 min`. */
export function duration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
  const minutes = Math.round(whole / 60)
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** `28×28×1`: a shape without its batch dimension; unknown dimensions are `?`. */
export function rowShape(shape: readonly (number | null)[]): string {
  const row = shape.slice(1)
  return row.length === 0 ? '1' : row.map((dim) => dim ?? '?').join('×')
}

/** A number from a config as its author wrote it, to float32's seven digits: `0.001`, not `0.0010000000474974513`. */
export function setting(value: number): string {
  return String(Number(value.toPrecision(7)))
}

/** `1 epoch`, `2 epochs`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}
