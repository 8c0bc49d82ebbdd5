/** Field name to width in bytes, in file order. Little-endian, unsigned. */
type Widths = { readonly [field: string]: 2 | 4 | 8 }

/** A fixed little-endian record, read and written from the one table of its fields. */
export interface RecordLayout<W extends Widths> {
  /** Bytes. */
  readonly size: number
  /** `bytes` must hold the whole record at `offset`. An 8-byte field above 2⁵³ loses digits, and no check passes it. */
  read(bytes: Uint8Array, offset: number): { [field in keyof W]: number }
  write(values: { readonly [field in keyof W]: number }): Uint8Array
}

export function recordLayout<const W extends Widths>(widths: W): RecordLayout<W> {
  const fields = Object.entries(widths) as [keyof W, 2 | 4 | 8][]
  const size = fields.reduce((sum, [, width]) => sum + width, 0)
  return {
    size,
    read(bytes, offset) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + offset, size)
      const values = {} as { [field in keyof W]: number }
      let at = 0
      for (const [field, width] of fields) {
        if (width === 2) values[field] = view.getUint16(at, true)
        else if (width === 4) values[field] = view.getUint32(at, true)
        else values[field] = Number(view.getBigUint64(at, true))
        at += width
      }
      return values
    },
    write(values) {
      const view = new DataView(new ArrayBuffer(size))
      let at = 0
      for (const [field, width] of fields) {
        if (width === 2) view.setUint16(at, values[field], true)
        else if (width === 4) view.setUint32(at, values[field], true)
        else view.setBigUint64(at, BigInt(values[field]), true)
        at += width
      }
      return new Uint8Array(view.buffer)
    },
  }
}
