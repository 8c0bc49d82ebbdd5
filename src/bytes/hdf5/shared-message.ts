import type { Cursor } from './cursor.ts'
import { type FractalHeap, openFractalHeap } from './fractal-heap.ts'
import { findMessage, type HeaderMessage, MESSAGE, readObjectHeader } from './object-header.ts'
import type { H5Reader } from './reader.ts'

const IN_SHARED_HEAP = 1
const HEAP_ID_BYTES = 8

/** Finds messages that several objects share: committed datatypes, and the heaps of shared messages. */
export class SharedMessages {
  readonly #extensionAddress: number | undefined
  /** One heap for each set of message types (a bit per type). */
  #heaps: Promise<readonly { readonly types: number; readonly heap: FractalHeap }[]> | undefined

  constructor(extensionAddress: number | undefined) {
    this.#extensionAddress = extensionAddress
  }

  /** A cursor over the message's own body, wherever it is. */
  async body(reader: H5Reader, message: HeaderMessage): Promise<Cursor> {
    return reader.over(message.shared ? await this.follow(reader, message.type, message.body) : message.body)
  }

  /** The body that a reference stands for. */
  async follow(reader: H5Reader, type: number, reference: Uint8Array): Promise<Uint8Array> {
    const cursor = reader.over(reference)
    const version = cursor.u8()
    const place = cursor.u8()
    if (version < 1 || version > 3) throw cursor.unsupported(`shared message version ${version}`)
    if (version === 1) cursor.skip(6)
    if (version === 3 && place === IN_SHARED_HEAP) return this.#fromHeap(reader, type, cursor.take(HEAP_ID_BYTES))
    const found = findMessage(await readObjectHeader(reader, cursor.requiredAddress()), type)
    if (found === undefined || found.shared) throw reader.invalid('a shared message is not where it should be')
    return found.body
  }

  async #fromHeap(reader: H5Reader, type: number, id: Uint8Array): Promise<Uint8Array> {
    this.#heaps ??= this.#openHeaps(reader)
    const entry = (await this.#heaps).find(({ types }) => types & (1 << type))
    if (entry === undefined) throw reader.invalid('the file has no heap for this shared message')
    return entry.heap.read(reader, id)
  }

  async #openHeaps(reader: H5Reader): Promise<{ types: number; heap: FractalHeap }[]> {
    const extension = this.#extensionAddress
    const header = extension === undefined ? undefined : await readObjectHeader(reader, extension)
    const message = header && findMessage(header, MESSAGE.sharedMessageTable)
    if (message === undefined) throw reader.invalid('the file has no table of shared messages')
    const cursor = reader.over(message.body).version('shared message table', 0)
    const address = cursor.requiredAddress()
    const count = cursor.u8()
    const entryBytes = 14 + 2 * reader.format.offsetSize
    const table = await reader.checked(address, 4 + count * entryBytes + 4, 'SMTB')
    const heaps: { types: number; heap: FractalHeap }[] = []
    for (let i = 0; i < count; i++) {
      table.version('shared message index', 0).skip(1)
      const types = table.u16()
      // smallest message, list and tree cut-offs, message count, index: not needed to follow a reference
      table.skip(4 + 2 + 2 + 2 + reader.format.offsetSize)
      const heapAddress = table.address()
      if (heapAddress !== undefined) heaps.push({ types, heap: await openFractalHeap(reader, heapAddress) })
    }
    return heaps
  }
}
