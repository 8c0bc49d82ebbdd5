const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

/**
 * Bob Jenkins' lookup3 hash (`hashlittle`, initial value 0): the checksum of every newer HDF5 structure.
 * Source: burtleburtle.net/bob/c/lookup3.c, public domain.
 */
export function metadataChecksum(bytes: Uint8Array): number {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  let a = (0xdeadbeef + length) | 0
  let b = a
  let c = a
  let position = 0
  for (; length - position > 12; position += 12) {
    a = (a + view.getInt32(position, true)) | 0
    b = (b + view.getInt32(position + 4, true)) | 0
    c = (c + view.getInt32(position + 8, true)) | 0
    a = ((a - c) ^ rotate(c, 4)) | 0
    c = (c + b) | 0
    b = ((b - a) ^ rotate(a, 6)) | 0
    a = (a + c) | 0
    c = ((c - b) ^ rotate(b, 8)) | 0
    b = (b + a) | 0
    a = ((a - c) ^ rotate(c, 16)) | 0
    c = (c + b) | 0
    b = ((b - a) ^ rotate(a, 19)) | 0
    a = (a + c) | 0
    c = ((c - b) ^ rotate(b, 4)) | 0
    b = (b + a) | 0
  }
  if (position === length) return c >>> 0
  const tail = new DataView(new ArrayBuffer(12))
  for (let i = 0; position + i < length; i++) tail.setUint8(i, bytes[position + i] as number)
  a = (a + tail.getInt32(0, true)) | 0
  b = (b + tail.getInt32(4, true)) | 0
  c = (c + tail.getInt32(8, true)) | 0
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  c = ((c ^ b) - rotate(b, 24)) | 0
  return c >>> 0
}

/** Fletcher's checksum over big-endian 16-bit words, an odd last byte counting as the high half (filter 3). */
export function fletcher32(bytes: Uint8Array): number {
  let sum1 = 0
  let sum2 = 0
  const even = bytes.length & ~1
  for (let position = 0; position < even; ) {
    // 360 words keep both sums below 2^32 between two foldings
    const end = Math.min(even, position + 720)
    for (; position < end; position += 2) {
      sum1 += ((bytes[position] as number) << 8) | (bytes[position + 1] as number)
      sum2 += sum1
    }
    sum1 = (sum1 & 0xffff) + (sum1 >>> 16)
    sum2 = (sum2 & 0xffff) + (sum2 >>> 16)
  }
  if (even < bytes.length) {
    sum1 += (bytes[even] as number) << 8
    sum2 += sum1
    sum1 = (sum1 & 0xffff) + (sum1 >>> 16)
    sum2 = (sum2 & 0xffff) + (sum2 >>> 16)
  }
  sum1 = (sum1 & 0xffff) + (sum1 >>> 16)
  sum2 = (sum2 & 0xffff) + (sum2 >>> 16)
  return ((sum2 << 16) | sum1) >>> 0
}
