import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ProtoErrors, ProtoMessage, ProtoWriter } from '../../src/bytes/protobuf.ts'

const ERRORS: ProtoErrors = { invalid: 'E_INVALID_ONNX', what: 'test message' }
const read = (bytes: Uint8Array): ProtoMessage => new ProtoMessage(bytes, ERRORS)
const code = (expected: string) => expect.objectContaining({ code: expected })

function written(write: (out: ProtoWriter) => void): Uint8Array {
  const out = new ProtoWriter()
  write(out)
  return out.finish()
}

describe('protobuf writer', () => {
  it('writes the examples of the protobuf documentation', () => {
    expect([...written((out) => out.varint(1, 150))]).toEqual([0x08, 0x96, 0x01])
    expect([...written((out) => out.string(2, 'testing'))]).toEqual([0x12, 7, ...new TextEncoder().encode('testing')])
    const inner = new ProtoWriter()
    inner.varint(1, 150)
    expect([...written((out) => out.message(3, inner))]).toEqual([0x1a, 3, 0x08, 0x96, 0x01])
    expect([...written((out) => out.packedVarints(6, [3, 270, 86942]))]).toEqual([0x32, 6, 3, 0x8e, 2, 0x9e, 0xa7, 5])
    expect([...written((out) => out.varint(1, -2))]).toEqual([0x08, 0xfe, ...Array(8).fill(0xff), 0x01])
  })

  it('keeps large byte fields as views, in nested messages too', () => {
    const data = new Uint8Array(4096).fill(7)
    const inner = new ProtoWriter()
    inner.varint(1, 5)
    inner.bytes(2, data)
    inner.varint(3, 6)
    const outer = new ProtoWriter()
    outer.message(4, inner)
    expect(outer.chunks()).toContain(data)
    const bytes = outer.finish()
    expect(bytes.length).toBe(outer.size)
    const message = read(bytes).message(4)
    expect(message?.int(1)).toBe(5)
    expect(message?.int(3)).toBe(6)
    expect(message?.bytes(2)).toEqual(data)
    expect(message?.bytes(2)?.buffer).toBe(bytes.buffer)
  })
})

describe('protobuf round trip', () => {
  it('gives back every kind of field', () => {
    const numbers = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 20 })
    const floats = fc.array(fc.float({ noNaN: true }), { maxLength: 200 })
    const fields = fc.record({
      numbers,
      floats,
      text: fc.string({ unit: 'grapheme' }),
      data: fc.uint8Array({ maxLength: 2000 }),
    })
    fc.assert(
      fc.property(fields, ({ numbers, floats, text, data }) => {
        const bytes = written((out) => {
          out.packedVarints(1, numbers)
          for (const number of numbers) out.varint(2, number)
          out.packedFloats(3, floats)
          for (const x of floats) out.float(4, x)
          out.string(5, text)
          out.bytes(600, data)
        })
        const message = read(bytes)
        expect([...message.eachBigint(1)]).toEqual(numbers)
        expect([...message.eachBigint(2)]).toEqual(numbers)
        expect(message.bigint(2)).toBe(numbers.at(-1))
        expect(message.floats(3)).toEqual(floats)
        expect(message.floats(4)).toEqual(floats)
        expect(message.string(5)).toBe(text)
        expect(message.bytes(600)).toEqual(data)
      }),
      { numRuns: 100 },
    )
  })

  it('lets the last of several single fields count', () => {
    const message = read(written((out) => [1, 2, 3].forEach((n) => void out.varint(7, n))))
    expect(message.int(7)).toBe(3)
    expect(message.ints(7)).toEqual([1, 2, 3])
    expect(message.has(8)).toBe(false)
    expect(message.int(8)).toBeUndefined()
    expect(message.fields()).toEqual([7])
  })
})

describe('protobuf reader on wrong bytes', () => {
  const hostile: readonly (readonly [string, readonly number[], string])[] = [
    ['a key without content', [0x08], 'E_TRUNCATED'],
    ['a varint that goes on', [0x08, 0x96], 'E_TRUNCATED'],
    ['a varint of eleven bytes', [0x08, ...Array(10).fill(0x80), 1], 'E_INVALID_ONNX'],
    ['a length past the end', [0x12, 8, 1], 'E_TRUNCATED'],
    ['a length of 2^63', [0x12, ...Array(9).fill(0x80), 1], 'E_TRUNCATED'],
    ['half a fixed32', [0x0d, 1, 2], 'E_TRUNCATED'],
    ['half a fixed64', [0x09, 1, 2], 'E_TRUNCATED'],
    ['a group', [0x0b, 0x0c], 'E_INVALID_ONNX'],
    ['field number 0', [0x00, 1], 'E_INVALID_ONNX'],
  ]
  it.each(hostile)('refuses %s', (_, bytes, expected) => {
    expect(() => read(Uint8Array.from(bytes))).toThrow(code(expected))
  })

  it('refuses a field of another wire type, text that is not UTF-8 and numbers past 2^53', () => {
    const message = read(
      written((out) => {
        out.varint(1, 2n ** 60n)
        out.bytes(2, Uint8Array.of(0xff, 0xfe))
        out.bytes(3, Uint8Array.of(0x80))
      }),
    )
    expect(() => message.bytes(1)).toThrow(code('E_INVALID_ONNX'))
    expect(() => message.int(1)).toThrow(code('E_INVALID_ONNX'))
    expect(message.bigint(1)).toBe(2n ** 60n)
    expect(() => message.string(2)).toThrow(code('E_INVALID_ONNX'))
    expect(() => message.ints(3)).toThrow(code('E_TRUNCATED'))
  })

  it('refuses a message of millions of fields', () => {
    const bytes = new Uint8Array(3 << 20)
    for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x08
    expect(() => read(bytes)).toThrow(code('E_LIMIT'))
  })

  it('refuses messages nested without end', () => {
    let bytes = new Uint8Array(0)
    for (let depth = 0; depth < 100; depth++) bytes = written((out) => out.bytes(1, bytes)) as Uint8Array<ArrayBuffer>
    const descend = (message: ProtoMessage | undefined): void => {
      if (message) descend(message.message(1))
    }
    expect(() => descend(read(bytes))).toThrow(code('E_INVALID_ONNX'))
  })
})
