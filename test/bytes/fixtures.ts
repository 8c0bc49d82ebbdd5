import { readFileSync } from 'node:fs'

/** A golden file of `test/fixtures/bytes`; `scripts/fixtures/bytes.py` makes them. */
export function readFixture<T>(name: string): T {
  const path = new URL(`../fixtures/bytes/${name}`, import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { cases: T }).cases
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

export interface NpyFixture {
  readonly arrays: readonly {
    readonly name: string
    readonly descr: string
    readonly shape: readonly number[]
    /** Integers and text in row-major order; floats and complex numbers as the hex of their little-endian bytes. */
    readonly values: readonly string[] | string
    readonly npy: string
    readonly same_bytes: boolean
  }[]
  readonly refused: readonly { readonly name: string; readonly code: string; readonly npy: string }[]
}

export interface ZipFixture {
  readonly archives: readonly { readonly name: string; readonly zip: string; readonly sha256: Record<string, string> }[]
  readonly refused: readonly {
    readonly name: string
    readonly code: string
    readonly entry: string
    readonly zip: string
  }[]
}

export interface JsonFixture {
  readonly texts: readonly {
    readonly text: string
    readonly canonical: string
    /** UTF-8 in hex: it may hold half a surrogate pair. */
    readonly unicode: string
    readonly indent: string
    readonly compact: string
  }[]
  /** The little-endian bits of a double in hex, and Python's repr of it. */
  readonly floats: readonly (readonly [bits: string, repr: string])[]
  readonly refused: readonly string[]
}

/** All chunks in one array. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk.slice())
  return new Uint8Array(Buffer.concat(parts))
}
