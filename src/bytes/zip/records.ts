import { recordLayout } from '../record.ts'

/** The records of a zip file, as PKWARE's APPNOTE 6.3 lists their fields. */

export const SIGNATURE = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50,
  descriptor: 0x08074b50,
} as const

/** Before an entry's data. Name and extra fields follow. */
export const LOCAL = recordLayout({
  signature: 4,
  versionNeeded: 2,
  flags: 2,
  method: 2,
  time: 2,
  date: 2,
  crc: 4,
  compressedSize: 4,
  size: 4,
  nameLength: 2,
  extraLength: 2,
})

/** One per entry in the central directory. Name, extra fields and comment follow. */
export const CENTRAL = recordLayout({
  signature: 4,
  versionMadeBy: 2,
  versionNeeded: 2,
  flags: 2,
  method: 2,
  time: 2,
  date: 2,
  crc: 4,
  compressedSize: 4,
  size: 4,
  nameLength: 2,
  extraLength: 2,
  commentLength: 2,
  disk: 2,
  internalAttributes: 2,
  externalAttributes: 4,
  offset: 4,
})

/** The end of the central directory. A comment follows. */
export const END = recordLayout({
  signature: 4,
  disk: 2,
  directoryDisk: 2,
  diskEntries: 2,
  entries: 2,
  directorySize: 4,
  directoryOffset: 4,
  commentLength: 2,
})

export const ZIP64_END = recordLayout({
  signature: 4,
  recordSize: 8,
  versionMadeBy: 2,
  versionNeeded: 2,
  disk: 4,
  directoryDisk: 4,
  diskEntries: 8,
  entries: 8,
  directorySize: 8,
  directoryOffset: 8,
})

export const ZIP64_LOCATOR = recordLayout({ signature: 4, endDisk: 4, endOffset: 8, disks: 4 })

/** Behind the data of an entry whose checksum was not known when its header was written. */
export const DESCRIPTOR = recordLayout({ signature: 4, crc: 4, compressedSize: 4, size: 4 })
export const ZIP64_DESCRIPTOR = recordLayout({ signature: 4, crc: 4, compressedSize: 8, size: 8 })

export const EXTRA = recordLayout({ id: 2, length: 2 })
export const EXTRA_ID = {
  zip64: 0x0001,
  /** Two bytes of alignment, then padding: the field of Android's zipalign and Apache Commons Compress. */
  alignment: 0xd935,
} as const

/** In a 16- or 32-bit field: the value stands in the zip64 record. */
export const IN_ZIP64_16 = 0xffff
export const IN_ZIP64_32 = 0xffffffff

export const FLAG = {
  encrypted: 1 << 0,
  descriptor: 1 << 3,
  patched: 1 << 5,
  strongEncryption: 1 << 6,
  utf8: 1 << 11,
  masked: 1 << 13,
} as const
/** Set when the data is not simply the entry's own bytes. */
export const ENCRYPTED = FLAG.encrypted | FLAG.strongEncryption | FLAG.masked

export const METHOD = { stored: 0, deflated: 8 } as const

/** Methods that occur elsewhere, to name them in a refusal. */
export const OTHER_METHODS: { readonly [method: number]: string } = {
  9: 'deflate64',
  12: 'bzip2',
  14: 'lzma',
  20: 'zstd',
  93: 'zstd',
  95: 'xz',
  98: 'ppmd',
  99: 'AES encryption',
}
