import { RekindleError } from '../../errors.ts'
import type { Shape } from '../../tensor/index.ts'
import type { Json } from '../types.ts'

export interface StftConfig {
  readonly side: string
  readonly window: Json
  readonly periodic: boolean
  readonly scaling: string | null
}

/** Coefficients of sums of cosines: w(t) = Σ (−1)^k · a_k · cos(2πkt). */
const COSINE_WINDOWS: { readonly [name: string]: readonly number[] } = {
  boxcar: [1],
  hann: [0.5, 0.5],
  hamming: [0.54, 0.46],
  blackman: [0.42, 0.5, 0.08],
  nuttall: [0.3635819, 0.4891775, 0.1365995, 0.0106411],
  blackmanharris: [0.35875, 0.48829, 0.14128, 0.01168],
}

/** A window by SciPy's name, or its values. Keras hands its `periodic` on as SciPy's `fftbins`. */
function windowOf(window: Json, length: number, periodic: boolean): Float32Array<ArrayBuffer> | null {
  if (window === null) return null
  if (Array.isArray(window)) {
    if (window.length === length) return Float32Array.from(window as number[])
    throw new RekindleError('E_INVALID_CONFIG', 'STFT window', {
      expected: `${length} values`,
      received: String(window.length),
    })
  }
  const terms = COSINE_WINDOWS[String(window)]
  if (!terms) {
    throw new RekindleError('E_UNSUPPORTED_OPTION', `unknown STFT window ${JSON.stringify(window)}`, {
      expected: `one of ${Object.keys(COSINE_WINDOWS).join(', ')}`,
    })
  }
  if (length === 1) return Float32Array.of(1)
  const period = periodic ? length : length - 1
  return Float32Array.from({ length }, (_, i) =>
    terms.reduce((sum, a, k) => sum + (k % 2 ? -a : a) * Math.cos((2 * Math.PI * k * i) / period), 0),
  )
}

/**
 * The kernel `[frame, 1, bins]` of a short-time Fourier transform: window(t)·cos(−2πtf) or sin, scaled by the window's
 * norm. Angles are rounded to float32 where Keras rounds them: they grow large.
 */
export function stftKernel({ side, window, periodic, scaling }: StftConfig, shape: Shape): Float32Array<ArrayBuffer> {
  const [frame, channels, bins] = shape
  if (shape.length !== 3 || frame === undefined || channels !== 1 || bins === undefined) {
    throw new RekindleError('E_INVALID_SHAPE', 'STFT initializer', {
      expected: 'a shape [frame length, 1, frequency bins]',
      received: JSON.stringify(shape),
    })
  }
  const weights = windowOf(window, frame, periodic)
  const norm = weights === null ? 1 : windowNorm(weights, scaling)
  const wave = side === 'imag' ? Math.sin : Math.cos
  const fround = Math.fround
  const out = new Float32Array(frame * bins)
  for (let t = 0; t < frame; t++) {
    for (let k = 0; k < bins; k++) {
      const turns = fround(fround(-2 * t) * fround(k / ((bins - 1) * 2)))
      out[t * bins + k] = (wave(fround(turns * fround(Math.PI))) * (weights?.[t] ?? 1)) / norm
    }
  }
  return out
}

function windowNorm(window: Float32Array, scaling: string | null): number {
  if (scaling === 'density') return Math.sqrt(window.reduce((sum, x) => sum + x * x, 0))
  if (scaling === 'spectrum') return window.reduce((sum, x) => sum + Math.abs(x), 0)
  return 1
}
