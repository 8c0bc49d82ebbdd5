import { describe, expect, it } from 'vitest'
import { loadDigits } from '../../src/cli/demo/digits.ts'
import { drawDigit } from '../../src/cli/demo/draw.ts'

describe('the digits', () => {
  const { train, test } = loadDigits()

  it('are 9,000 and 1,000 pictures of all ten digits', () => {
    expect([train.x.shape, train.y.shape, test.x.shape, test.y.shape]).toEqual([
      [9000, 784],
      [9000],
      [1000, 784],
      [1000],
    ])
    for (const labels of [train.y.data, test.y.data]) {
      const share = Array.from(
        { length: 10 },
        (_, digit) => labels.filter((label) => label === digit).length / labels.length,
      )
      expect(Math.min(...share)).toBeGreaterThan(0.07)
      expect(share.reduce((sum, part) => sum + part)).toBeCloseTo(1)
    }
  })

  it('have ink in the middle and white corners', () => {
    const mean = (pixel: number) =>
      Array.from({ length: 1000 }, (_, i) => test.x.data[i * 784 + pixel] as number).reduce((a, b) => a + b) / 1000
    expect(mean(14 * 28 + 14)).toBeGreaterThan(0.3)
    expect(mean(0)).toBe(0)
    expect(Math.max(...test.x.data.subarray(0, 784))).toBeGreaterThan(0.9)
  })
})

describe('drawDigit', () => {
  const bar = Float32Array.from({ length: 784 }, (_, i) => (i % 28 >= 12 && i % 28 < 16 ? 1 : 0))

  it('is 14 characters wide and 7 high, with and without colours', () => {
    expect(drawDigit(bar, false)).toEqual(Array(7).fill('      @@      '))
    const coloured = drawDigit(bar, true)
    expect(coloured.length).toBe(7)
    expect(coloured[0]).toBe(
      `${'\x1b[38;5;232;48;5;232m▀'.repeat(6)}${'\x1b[38;5;255;48;5;255m▀'.repeat(2)}${'\x1b[38;5;232;48;5;232m▀'.repeat(6)}\x1b[0m`,
    )
  })
})
