import { RekindleError } from '../errors.ts'
import { crc32 } from './crc32.ts'
import { checkExpansion, inflateErrors } from './inflate.ts'
import { now, randomSeed } from './portable.ts'
import type { Platform, TerminalFacts } from './types.ts'

export { crc32 } from './crc32.ts'
export { now, randomSeed } from './portable.ts'
export type { OpenFile, Produce, TerminalFacts, WriteOptions } from './types.ts'

const noFiles = (path: string, hint: string): RekindleError =>
  new RekindleError('E_UNSUPPORTED_PLATFORM', 'a browser has no paths', { where: path, hint })

export async function openPath(path: string): Promise<never> {
  throw noFiles(path, 'pass a File, a Blob, a URL or bytes')
}

export async function writeAtomically(path: string): Promise<never> {
  throw noFiles(path, 'take the bytes with toBytes() and offer them as a download')
}

export async function checkWritable(path: string): Promise<never> {
  throw noFiles(path, 'take the bytes with toBytes() and offer them as a download')
}

export async function inflateRaw(bytes: Uint8Array, expectedLength: number): Promise<Uint8Array> {
  return inflate('deflate-raw', bytes, expectedLength)
}

export async function inflateZlib(bytes: Uint8Array, expectedLength: number): Promise<Uint8Array> {
  return inflate('deflate', bytes, expectedLength)
}

async function inflate(format: CompressionFormat, bytes: Uint8Array, expectedLength: number): Promise<Uint8Array> {
  checkExpansion(bytes.length, expectedLength)
  const stream = new DecompressionStream(format)
  const writer = stream.writable.getWriter()
  // What goes wrong here arrives at the reader too.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {})
  writer.close().catch(() => {})
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.readable.getReader()
  const out = new Uint8Array(expectedLength)
  let length = 0
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (length + part.value.length > expectedLength) throw inflateErrors.tooLong(expectedLength)
      out.set(part.value, length)
      length += part.value.length
    }
  } catch (cause) {
    await reader.cancel().catch(() => {})
    throw cause instanceof RekindleError ? cause : inflateErrors.corrupt(cause)
  }
  if (length < expectedLength) throw inflateErrors.tooShort(expectedLength, length)
  return out
}

export function coreCount(): number {
  return navigator.hardwareConcurrency || 1
}

/** A message is delivered at once; a timer would wait 4 ms. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

export function terminal(): TerminalFacts {
  return { isTTY: false, columns: 80, color: false }
}

let unfinished = ''

export function writeText(_: 'stdout' | 'stderr', text: string): void {
  const lines = (unfinished + text).split('\n')
  unfinished = lines.pop() ?? ''
  for (const line of lines) console.log(line.slice(line.lastIndexOf('\r') + 1))
}

export default {
  openPath,
  writeAtomically,
  checkWritable,
  inflateRaw,
  inflateZlib,
  crc32,
  now,
  coreCount,
  randomSeed,
  yieldToEventLoop,
  terminal,
  writeText,
} satisfies Platform
