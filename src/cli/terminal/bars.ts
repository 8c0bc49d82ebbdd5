import type { Styles } from './style.ts'

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const
const LEVELS = '▁▂▃▄▅▆▇█'

/** A share from 0 to 1 as a bar of up to `width` characters, in steps of an eighth. */
export function shareBar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]
}

/** The bar of something under way: done in ember, the rest grey; without colours `━━━━╌╌╌╌`. */
export function progressBar(share: number, width: number, style: Styles): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * width)
  const rest = (style.colour ? '━' : '╌').repeat(width - done)
  return style.ember('━'.repeat(done)) + style.dim(rest)
}

/** The course of a quantity in `width` characters: each is the mean of its part; what is not finite stays blank. */
export function sparkline(values: readonly number[], width: number): string {
  const finite = values.filter(Number.isFinite)
  if (finite.length === 0) return ''
  const parts = Math.min(width, values.length)
  const means = Array.from({ length: parts }, (_, i) => {
    const part = values.slice(Math.floor((i * values.length) / parts), Math.floor(((i + 1) * values.length) / parts))
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
  const low = Math.min(...means.filter(Number.isFinite))
  const high = Math.max(...means.filter(Number.isFinite))
  const top = LEVELS.length - 1
  return means
    .map((mean) => {
      if (!Number.isFinite(mean)) return ' '
      return LEVELS[high === low ? 0 : Math.round(((mean - low) / (high - low)) * top)]
    })
    .join('')
}
