const POLYNOMIAL = 0xedb88320
/** Slicing-by-8: `TABLES[k * 256 + b]` is the checksum of byte `b` followed by `k` zero bytes. */
const SLICES = 8
let tables: Uint32Array | undefined

function buildTables(): Uint32Array {
  const out = new Uint32Array(SLICES * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    out[byte] = crc
  }
  for (let i = 256; i < out.length; i++) {
    const before = out[i - 256] as number
    out[i] = (before >>> 8) ^ (out[before & 255] as number)
  }
  return out
}

/** CRC-32 (ISO-HDLC, as in zip and PNG) where the platform has none. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  tables ??= buildTables()
  const table = tables
  const byte = (i: number): number => bytes[i] as number
  const lookUp = (slice: number, value: number): number => table[slice * 256 + (value & 255)] as number
  let crc = ~seed
  let i = 0
  for (const end = bytes.length - 7; i < end; i += 8) {
    const low = crc ^ (byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24))
    crc =
      lookUp(7, low) ^
      lookUp(6, low >>> 8) ^
      lookUp(5, low >>> 16) ^
      lookUp(4, low >>> 24) ^
      lookUp(3, byte(i + 4)) ^
      lookUp(2, byte(i + 5)) ^
      lookUp(1, byte(i + 6)) ^
      lookUp(0, byte(i + 7))
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ lookUp(0, crc ^ byte(i))
  return ~crc >>> 0
}
