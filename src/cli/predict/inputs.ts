import { readFile } from 'node:fs/promises'
import { RekindleError } from '../../errors.ts'
import { assignPaths, byName, type NamedOrOnly, type Port } from '../data.ts'

const PICTURE = /\.(png|jpe?g|webp)$/i
const ARRAYS = /\.(npy|npz|csv|json)$/i
/** Pixel values run from 0 to this; `--scale` divides by it. */
const WHITE = 255

/**
 * The arrays for the inputs of a model from files: pictures are decoded and resized to what their input takes, other
 * files are left to the model. Several pictures for a model with one input are its rows.
 */
export async function predictInputs(
  given: readonly string[],
  ports: readonly Port[],
  scale: boolean,
): Promise<NamedOrOnly> {
  const [only] = ports
  if (ports.length === 1 && only !== undefined && given.length > 1 && given.every((path) => PICTURE.test(path))) {
    return readPictures(given, only, scale)
  }
  const assigned = assignPaths(given, ports, '--input')
  for (const { path } of assigned) {
    if (PICTURE.test(path) || ARRAYS.test(path)) continue
    throw new RekindleError('E_UNSUPPORTED_FORMAT', '--input: neither arrays nor a picture', {
      expected: '.npy, .npz, .csv, .json, .png, .jpg, .webp',
      received: path,
    })
  }
  const arrays = assigned.map(async ({ port, path }) => {
    const array = PICTURE.test(path) ? await readPictures([path], port, scale) : path
    return [port.name, array] as const
  })
  return byName(await Promise.all(arrays))
}

async function readPictures(paths: readonly string[], port: Port, scale: boolean) {
  const [{ Tensor }, { decodeImage }, { picturePixels, pixelLayout }] = await Promise.all([
    import('../../index.ts'),
    import('../images/decode.ts'),
    import('../images/pixels.ts'),
  ])
  const layout = pixelLayout(port.shape, port.name)
  const rows = await Promise.all(
    paths.map(async (path) => picturePixels(await decodeImage(await readBytes(path), path), layout)),
  )
  const shape = rows[0]?.shape ?? []
  const size = rows[0]?.data.length ?? 0
  const data = new Float32Array(rows.length * size)
  rows.forEach((row, i) => {
    if (row.data.length !== size || row.shape.some((dim, axis) => dim !== shape[axis])) {
      throw new RekindleError('E_INVALID_SHAPE', 'pictures of different sizes', {
        where: paths[i] as string,
        expected: shape.join('×'),
        received: row.shape.join('×'),
      })
    }
    data.set(row.data, i * size)
  })
  if (scale) for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) / WHITE
  return new Tensor('float32', [rows.length, ...shape], data)
}

/** @throws RekindleError `E_IO_NOT_FOUND` or `E_IO_READ`. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    if (missing) throw new RekindleError('E_IO_NOT_FOUND', 'no such file', { where: path, cause })
    throw new RekindleError('E_IO_READ', 'cannot be read', { where: path, cause })
  }
}
