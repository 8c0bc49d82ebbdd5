import { isHdf5, openHdf5 } from '../bytes/hdf5/index.ts'
import type { H5File } from '../bytes/hdf5/types.ts'
import type { Source } from '../bytes/source.ts'
import { isZip, openZip } from '../bytes/zip/index.ts'
import type { Probe, ZipArchive } from './codec.ts'

const HEAD = 512

/** A file under examination; what was parsed once is remembered. */
export function probe(source: Source): Probe {
  const head = once(() => source.read(0, Math.min(HEAD, source.size)))
  return {
    name: source.name.slice(source.name.lastIndexOf('/') + 1),
    source,
    async head(n) {
      return n <= HEAD ? (await head()).subarray(0, n) : source.read(0, Math.min(n, source.size))
    },
    hdf5: once(async (): Promise<H5File | null> => ((await isHdf5(source)) ? openHdf5(source) : null)),
    zip: once(async (): Promise<ZipArchive | null> => (isZip(await head()) ? openZip(source) : null)),
  }
}

function once<T>(produce: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= produce()
    return result
  }
}
