import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { decodeImage, type Picture } from '../../src/cli/images/decode.ts'
import { picturePixels, pixelLayout, resizeBilinear } from '../../src/cli/images/pixels.ts'

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`../fixtures/cli/${name}`, import.meta.url)))
const golden = JSON.parse(new TextDecoder().decode(fixture('pictures.json'))) as {
  height: number
  width: number
  decoded: Record<string, number[]>
  grey: number[]
  resized: Record<string, number[]>
}
const { height, width } = golden
const rgb = Float32Array.from(golden.decoded['rgb.png'] as number[])

const withoutAlpha = ({ data }: Picture) => [...data].filter((_, i) => i % 4 !== 3)

describe('decodeImage', () => {
  it.each(Object.keys(golden.decoded))('gives the pixels that Pillow gives: %s', async (name) => {
    const picture = await decodeImage(fixture(name), name)
    expect([picture.height, picture.width]).toEqual([height, width])
    expect(withoutAlpha(picture)).toEqual(golden.decoded[name])
  })

  it('refuses what is no picture, or a broken or huge one', async () => {
    await expect(decodeImage(new Uint8Array([1, 2, 3]), 'a.png')).rejects.toThrow(
      'a.png: not a picture; expected PNG, JPEG or WebP',
    )
    for (const name of ['rgb.png', 'rgb.jpg', 'rgb.webp']) {
      const whole = fixture(name)
      for (const length of [10, 40, 60]) {
        await expect(decodeImage(whole.subarray(0, length), name)).rejects.toMatchObject({ code: 'E_INVALID_IMAGE' })
      }
    }
    const jpeg = fixture('rgb.jpg')
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    const [cut, again] = [jpeg.subarray(0, jpeg.length - 20), jpeg]
    const both = await Promise.allSettled([decodeImage(cut, 'cut.jpg'), decodeImage(again, 'whole.jpg')])
    expect(both).toMatchObject([
      { reason: { message: 'cut.jpg: a broken JPEG picture (Premature end of JPEG file)' } },
      { status: 'fulfilled' },
    ])
    expect(printed.mock.calls).toEqual([])
    printed.mockRestore()
    const bomb = fixture('rgb.png')
    new DataView(bomb.buffer).setUint32(16, 1 << 20)
    new DataView(bomb.buffer).setUint32(20, 1 << 20)
    await expect(decodeImage(bomb, 'bomb.png')).rejects.toThrow('at most 100 million pixels, received 1048576×1048576')
  })
})

describe('resizeBilinear', () => {
  it.each(Object.keys(golden.resized))('gives what tf.image.resize gives: %s', (size) => {
    const [newHeight, newWidth] = size.split('x').map(Number) as [number, number]
    const resized = resizeBilinear(rgb, height, width, 3, newHeight, newWidth)
    const expected = golden.resized[size] as number[]
    expect(resized.length).toBe(expected.length)
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - (resized[i] as number))))
    expect(worst).toBeLessThan(1e-3)
  })
})

describe('pictures as input', () => {
  it('are read from the shape of the input', () => {
    const layouts = [
      [null, 32, 24, 3],
      [null, 1, 32, 24],
      [null, 32, 24],
      [null, 784],
      [null, null, null, 3],
    ].map((shape) => {
      const { height, width, channels, channelsFirst } = pixelLayout(shape, 'x')
      return [height, width, channels, channelsFirst]
    })
    expect(layouts).toEqual([
      [32, 24, 3, false],
      [32, 24, 1, true],
      [32, 24, 1, false],
      [28, 28, 1, false],
      [null, null, 3, false],
    ])
    expect(() => pixelLayout([null, 10], 'x')).toThrow('x: the input does not take pictures')
  })

  it('become grey as with Pillow, or planes', async () => {
    const picture = await decodeImage(fixture('rgb.png'), 'rgb.png')
    const grey = picturePixels(picture, pixelLayout([null, height, width], 'x'))
    expect([...grey.data]).toEqual(golden.grey)
    const planes = picturePixels(picture, pixelLayout([null, 3, height, width], 'x'))
    expect(planes.shape).toEqual([3, height, width])
    expect([...planes.data.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4].map((i) => rgb[i * 3]))
  })
})
