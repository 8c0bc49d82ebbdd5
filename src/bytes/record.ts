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
      const values = {} as { [field in keyof W]: number }
      let end = offset
      for (const [field, width] of fields) {
        end += width
        let value = 0
        for (let at = end - 1; at >= end - width; at--) value = value * 256 + (bytes[at] as number)
        values[field] = value
      }
      return values
    },
    write(values) {
      const out = new Uint8Array(size)
      let at = 0
      for (const [field, width] of fields) {
        let value: number = values[field]
        for (const end = at + width; at < end; at++) {
          out[at] = value % 256
          value = Math.floor(value / 256)
        }
      }
      return out
    },
  }
}
