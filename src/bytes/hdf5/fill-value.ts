import type { Cursor } from './cursor.ts'

const FLAG_DEFINED = 0x20

/** The bytes of one element that was never written; undefined where they are zero. */
export function parseFillValue(cursor: Cursor): Uint8Array | undefined {
  const version = cursor.u8()
  switch (version) {
    case 1:
    case 2: {
      cursor.skip(2)
      const defined = cursor.u8() !== 0
      return version === 1 || defined ? takeValue(cursor) : undefined
    }
    case 3:
      return cursor.u8() & FLAG_DEFINED ? takeValue(cursor) : undefined
    default:
      throw cursor.unsupported(`fill value version ${version}`)
  }
}

/** The message of files before version 1.6: the value alone. */
export function parseOldFillValue(cursor: Cursor): Uint8Array | undefined {
  return takeValue(cursor)
}

function takeValue(cursor: Cursor): Uint8Array | undefined {
  const size = cursor.u32()
  // a negative size says that the value is undefined
  if (size === 0 || size >= 2 ** 31) return undefined
  const value = cursor.take(size)
  return value.some((byte) => byte !== 0) ? value : undefined
}

/** Writes `fill` again and again over all of `target`, whose length is a multiple of it. */
export function fillWith(target: Uint8Array, fill: Uint8Array | undefined): void {
  if (fill === undefined || target.length === 0) return
  target.set(fill)
  for (let filled = fill.length; filled < target.length; filled *= 2) {
    target.copyWithin(filled, 0, Math.min(filled, target.length - filled))
  }
}
