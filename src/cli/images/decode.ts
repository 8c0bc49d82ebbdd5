import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { RekindleError } from '../../errors.ts'
import { type ImageFormatName, imageFormat, MAX_PIXELS } from './header.ts'

/** 8 bits for red, green, blue and alpha, row by row. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray
}

type Decoder = (bytes: ArrayBuffer) => Promise<Picture>

/** Where the WebAssembly file of a decoder lies, and how its module is started with it. */
const DECODERS: { readonly [name in ImageFormatName]: () => Promise<Decoder> } = {
  PNG: async () => {
    const { default: decode, init } = await import('@jsquash/png/decode.js')
    await init(await compile('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'))
    return decode
  },
  JPEG: async () => {
    const { default: decode, init } = await import('@jsquash/jpeg/decode.js')
    const complaints = new Complaints()
    await init(complaints.options(await compile('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')))
    return (bytes) => complaints.during(() => decode(bytes))
  },
  WebP: async () => {
    const { default: decode, init } = await import('@jsquash/webp/decode.js')
    const complaints = new Complaints()
    await init(complaints.options(await compile('@jsquash/webp/codec/dec/webp_dec.wasm')))
    return (bytes) => complaints.during(() => decode(bytes))
  },
}

/** What a decoder compiled from C would print to stderr. One picture at a time, to know which is meant. */
class Complaints {
  #texts: string[] = []
  #last: Promise<unknown> = Promise.resolve()

  /** Emscripten's settings for a module that complains here. */
  options(module: WebAssembly.Module) {
    return {
      printErr: (text: string) => void this.#texts.push(text),
      instantiateWasm(imports: WebAssembly.Imports, use: (instance: WebAssembly.Instance) => void) {
        const instance = new WebAssembly.Instance(module, imports)
        use(instance)
        return instance.exports
      },
    }
  }

  /** @throws Error with the decoder's own words; also when it made up the end of a picture that is cut off. */
  during(decode: () => Promise<Picture>): Promise<Picture> {
    const turn = this.#last.then(async () => {
      this.#texts = []
      try {
        const picture = await decode()
        if (!this.#texts.some((text) => text.startsWith('Premature end'))) return picture
      } catch (cause) {
        throw new Error(this.#texts.at(-1) ?? '', { cause })
      }
      throw new Error(this.#texts.at(-1))
    })
    this.#last = turn.catch(() => {})
    return turn
  }
}

const started = new Map<ImageFormatName, Promise<Decoder>>()

/** Decoders are started at their first picture. */
function decoderOf(name: ImageFormatName): Promise<Decoder> {
  const decoder = started.get(name) ?? DECODERS[name]()
  started.set(name, decoder)
  return decoder
}

function compile(file: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(readFileSync(createRequire(import.meta.url).resolve(file)))
}

/**
 * Decodes PNG, JPEG or WebP, told apart by content. Pixels equal those of libpng, libjpeg and libwebp.
 * @throws RekindleError `E_INVALID_IMAGE`, or `E_LIMIT` when the picture is too large to hold.
 */
export async function decodeImage(bytes: Uint8Array, where: string): Promise<Picture> {
  const format = imageFormat(bytes)
  if (format === null) {
    throw new RekindleError('E_INVALID_IMAGE', 'not a picture', { where, expected: 'PNG, JPEG or WebP' })
  }
  const { width, height } = format
  if (width * height > MAX_PIXELS) {
    throw new RekindleError('E_LIMIT', 'the picture is too large', {
      where,
      expected: `at most ${MAX_PIXELS / 1e6} million pixels`,
      received: `${width}×${height}`,
    })
  }
  const decode = await decoderOf(format.name)
  try {
    return await decode(bytes.slice().buffer)
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : ''
    throw new RekindleError('E_INVALID_IMAGE', `a broken ${format.name} picture`, {
      where,
      cause,
      ...(words !== '' && { hint: words }),
    })
  }
}
