import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeNpy, isNpy, openNpy, readNpy, type StoredTensor } from '../../src/bytes/npy.ts'
import { planNpz, readNpz } from '../../src/bytes/npz.ts'
import { memorySource } from '../../src/bytes/source.ts'
import { planZip } from '../../src/bytes/zip/index.ts'
import {
  allocate,
  DTYPES,
  type DType,
  sizeOf,
  slotsPerElement,
  Tensor,
  type TypedArray,
} from '../../src/tensor/index.ts'
import { collect, fromBase64, type NpyFixture, readFixture, type ZipFixture } from './fixtures.ts'

const fixture = readFixture<NpyFixture>('npy.json')
const read = (bytes: Uint8Array): Promise<Tensor> => readNpy(memorySource(bytes, 'x.npy'))
const stored = (tensor: Tensor): StoredTensor => ({
  dtype: tensor.dtype,
  shape: tensor.shape,
  load: async () => tensor,
})

function bytesOf({ data }: Tensor): Buffer {
  const { buffer, byteOffset, byteLength } = data as TypedArray
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}

describe('arrays written by numpy', () => {
  test.each(fixture.arrays.map((array) => [array.name, array] as const))('%s', async (_, array) => {
    const npy = fromBase64(array.npy)
    expect(isNpy(npy)).toBe(true)
    const tensor = await read(npy)
    expect(tensor.shape).toEqual(array.shape)
    if (typeof array.values === 'string') {
      expect(bytesOf(tensor).toString('hex')).toBe(array.values)
    } else {
      expect(Array.from(tensor.data as ArrayLike<unknown>, String)).toEqual(array.values)
    }
    if (array.same_bytes) expect(Buffer.from(await encodeNpy(tensor)).equals(Buffer.from(npy))).toBe(true)
  })

  test('the dtypes are those that numpy says', async () => {
    for (const { descr, npy } of fixture.arrays) {
      const { dtype } = await openNpy(memorySource(fromBase64(npy)))
      const kind = descr.slice(1)
      expect(dtype === 'string' ? 'text' : DTYPES[dtype].npy?.slice(1)).toBe(/^[US]/.test(kind) ? 'text' : kind)
    }
  })

  test.each(fixture.refused.map((array) => [array.name, array] as const))('%s is refused', async (_, { code, npy }) => {
    await expect(read(fromBase64(npy))).rejects.toMatchObject({ code, where: 'x.npy' })
  })

  test('data in memory is a view where it is aligned and a copy where it is not', async () => {
    const npy = await encodeNpy(new Tensor('float32', [3], Float32Array.of(1, 2, 3)))
    const aligned = await read(npy)
    expect((aligned.data as Float32Array).buffer).toBe(npy.buffer)
    const shifted = new Uint8Array(npy.length + 1)
    shifted.set(npy, 1)
    expect((await read(shifted.subarray(1))).data).toEqual(aligned.data)
  })

  test('a bool that is neither 0 nor 1 becomes true', async () => {
    const npy = await encodeNpy(new Tensor('bool', [3], Uint8Array.of(0, 1, 1)))
    npy[npy.length - 1] = 7
    expect((await read(npy)).data).toEqual(Uint8Array.of(0, 1, 1))
  })

  test('opening reads no data', async () => {
    const npy = await encodeNpy(new Tensor('uint8', [1000], new Uint8Array(1000)))
    let furthest = 0
    const memory = memorySource(npy)
    const { shape } = await openNpy({
      ...memory,
      read(offset, length) {
        furthest = Math.max(furthest, offset + length)
        return memory.read(offset, length)
      },
    })
    expect(shape).toEqual([1000])
    expect(furthest).toBe(npy.length - 1000)
  })
})

describe('headers that are not right', () => {
  const npy = (header: string, data = new Uint8Array(64), version = 1): Uint8Array => {
    const text = new TextEncoder().encode(header)
    const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0]
    return Uint8Array.from([0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text, ...data])
  }
  const header = (descr: string, shape: string, fortran = 'False'): string =>
    `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`

  test.each([
    ['spaces and another order', "{ 'shape' :( 2,3 ) ,'descr':'<f4','fortran_order':False}", [2, 3]],
    ['double quotes', '{"descr": "<f4", "fortran_order": False, "shape": (2,)}', [2]],
    ['Python 2 integers', "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L)}", [2, 3]],
    ['a list as shape', header("'<f4'", '[4]'), [4]],
    ['the native byte order', header("'=f4'", '(4,)'), [4]],
  ])('%s is taken', async (_, text, shape) => {
    expect((await read(npy(text))).shape).toEqual(shape)
  })

  test.each([
    ['no dictionary', '[1, 2]', 'E_INVALID_NPY'],
    ['nothing', '', 'E_INVALID_NPY'],
    ['code', "{'descr': __import__('os'), 'fortran_order': False, 'shape': ()}", 'E_INVALID_NPY'],
    ['a call', "dict(descr='<f4')", 'E_INVALID_NPY'],
    ['more than one value', `${header("'<f4'", '()')} 1`, 'E_INVALID_NPY'],
    ['a missing key', "{'descr': '<f4', 'shape': ()}", 'E_INVALID_NPY'],
    ['a negative size', header("'<f4'", '(-1,)'), 'E_INVALID_NPY'],
    ['a size beyond 2^53', header("'|u1'", '(99999999999999999999,)'), 'E_INVALID_NPY'],
    ['a product beyond 2^53', header("'|u1'", '(9999999999, 9999999999)'), 'E_INVALID_NPY'],
    ['too many axes', header("'|u1'", `(${'1,'.repeat(65)})`), 'E_INVALID_NPY'],
    ['a shape that is no tuple', header("'<f4'", '(4)'), 'E_INVALID_NPY'],
    ['an order that is no truth value', header("'<f4'", '()', '1'), 'E_INVALID_NPY'],
    ['a dtype that is none', header("'float'", '()'), 'E_INVALID_NPY'],
    ['text of no length', header("'<U0'", '(1000000000000,)'), 'E_INVALID_NPY'],
    ['deep nesting', '('.repeat(10_000), 'E_INVALID_NPY'],
    ['an unknown float', header("'<f3'", '()'), 'E_UNSUPPORTED_DTYPE'],
    ['objects under a longer name', header("'|O8'", '(1,)'), 'E_UNSAFE_CODE'],
    ['more than the file holds', header("'<f8'", '(9,)'), 'E_TRUNCATED'],
    ['far more than the file holds', header("'<f8'", '(1000000000000,)'), 'E_TRUNCATED'],
    ['characters that do not exist', header("'<U1'", '(1,)'), 'E_INVALID_NPY', new Uint8Array(64).fill(255)],
  ])('%s', async (_, text, code, data = new Uint8Array(64)) => {
    await expect(read(npy(text, data))).rejects.toMatchObject({ code })
  })

  test('versions and lengths', async () => {
    await expect(read(npy(header("'<f4'", '()'), new Uint8Array(64), 4))).rejects.toThrow(
      'expected 1, 2 or 3, received 4',
    )
    const long = npy(header("'<f4'", '()'), new Uint8Array(200_000), 2)
    long[10] = 2
    await expect(read(long)).rejects.toMatchObject({ code: 'E_LIMIT' })
  })
})

describe('writing', () => {
  const WRITABLE = (Object.keys(DTYPES) as DType[]).filter((dtype) => DTYPES[dtype].npy !== null)
  const TENSOR = fc
    .record({ dtype: fc.constantFrom(...WRITABLE), shape: fc.array(fc.nat(4), { maxLength: 4 }), seed: fc.nat(255) })
    .map(({ dtype, shape, seed }) => {
      const tensor = new Tensor(dtype, shape, allocate(dtype, sizeOf(shape)))
      const bytes = bytesOf(tensor)
      for (let i = 0; i < bytes.length; i++) bytes[i] = dtype === 'bool' ? i & 1 : (i * 37 + seed) & 255
      return tensor
    })

  test('what is written is read back, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(TENSOR, async (tensor) => {
        const again = await read(await encodeNpy(tensor))
        expect([again.dtype, again.shape]).toEqual([tensor.dtype, tensor.shape])
        expect(again.data.length).toBe(tensor.size * slotsPerElement(tensor.dtype))
        expect(bytesOf(again).equals(bytesOf(tensor))).toBe(true)
      }),
    )
  })

  test('text is read back', async () => {
    const strings = fc.array(
      fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll('\0', '')),
      { maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(strings, async (data) => {
        const again = await read(await encodeNpy(new Tensor('string', [data.length], data)))
        expect(again.data).toEqual(data)
      }),
    )
  })

  test.each(['bfloat16', 'float8_e4m3fn', 'int4'] as const)('%s has no place in numpy', async (dtype) => {
    const tensor = new Tensor<DType>(dtype, [1], allocate(dtype, 1))
    await expect(encodeNpy(tensor)).rejects.toMatchObject({ code: 'E_UNSUPPORTED_DTYPE' })
  })

  test('an .npz is read back, in order, the same bytes each time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(TENSOR, { minLength: 1, maxLength: 4 }), async (tensors) => {
        const arrays = new Map(tensors.map((tensor, i) => [`layer/${i}`, stored(tensor)] as const))
        const plan = await planNpz(arrays)
        const bytes = await collect(plan.chunks())
        expect(bytes.length).toBe(plan.size)
        expect(Buffer.compare(bytes, await collect((await planNpz(arrays)).chunks()))).toBe(0)
        const again = await readNpz(memorySource(bytes))
        expect([...again.keys()]).toEqual([...arrays.keys()])
        for (const [i, tensor] of tensors.entries()) {
          const loaded = (await again.get(`layer/${i}`)?.load()) as Tensor
          expect([loaded.dtype, loaded.shape]).toEqual([tensor.dtype, tensor.shape])
          expect(bytesOf(loaded).equals(bytesOf(tensor))).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('npz', () => {
  const archives = readFixture<ZipFixture>('zip.json').archives

  test.each(['savez', 'savez_compressed'])('an archive of numpy.%s', async (name) => {
    const zip = archives.find((archive) => archive.name === name)?.zip ?? ''
    const arrays = await readNpz(memorySource(fromBase64(zip)))
    expect([...arrays.keys()]).toEqual(['x', 'y'])
    const [x, y] = await Promise.all([...arrays.values()].map((array) => array.load()))
    expect(x).toEqual(
      new Tensor(
        'float32',
        [3, 4],
        Float32Array.from({ length: 12 }, (_, i) => i),
      ),
    )
    expect(y).toEqual(new Tensor('int64', [3], BigInt64Array.of(1n, 0n, 2n)))
  })

  test('an archive without arrays', async () => {
    const zip = await collect(planZip([{ name: 'config.json', bytes: new Uint8Array(2) }]).chunks())
    await expect(readNpz(memorySource(zip, 'a.keras'))).rejects.toThrow('a.keras: no arrays in the archive')
  })

  test('damaged data is found by its checksum', async () => {
    const tensor = new Tensor('uint8', [3], Uint8Array.of(101, 102, 103))
    const zip = await collect((await planNpz(new Map([['x', stored(tensor)]]))).chunks())
    zip[Buffer.from(zip).indexOf('efg')] = 0
    const array = (await readNpz(memorySource(zip))).get('x')
    await expect(array?.load()).rejects.toThrow('the data is damaged')
  })

  test('an array inside is named in its errors', async () => {
    const zip = await collect(planZip([{ name: 'x.npy', bytes: new Uint8Array(20) }]).chunks())
    await expect(readNpz(memorySource(zip, 'a.npz'))).rejects.toMatchObject({
      code: 'E_INVALID_NPY',
      where: 'a.npz/x.npy',
    })
  })
})
