import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatFloat, formatJson, type JsonValue, parseJson } from '../../src/bytes/json.ts'
import { type JsonFixture, readFixture } from './fixtures.ts'

const fixture = readFixture<JsonFixture>('json.json')
const again = (text: string): string => {
  const { value, spellings } = parseJson(text)
  return formatJson(value, { spellings })
}

describe('as Python’s json', () => {
  /** Python reads numbers and writes them in its own way; where the text had that way already, nothing is lost. */
  test.each(fixture.texts.map((json) => [json.text, json] as const))('%s', (_, json) => {
    for (const [key, options] of [
      ['canonical', {}],
      ['indent', { indent: 2 }],
      ['compact', { separators: [',', ':'] }],
    ] as const) {
      const { value, spellings } = parseJson(json[key])
      expect(formatJson(value, { spellings, ...options })).toBe(json[key])
    }
    const { value, spellings } = parseJson(json.canonical)
    const unicode = formatJson(value, { spellings, ensureAscii: false })
    // Halves of surrogate pairs have no UTF-8; Python's surrogatepass gives ED A0 80 for U+D800.
    expect(json.unicode.replaceAll('eda080', 'efbfbd')).toBe(Buffer.from(unicode).toString('hex'))
  })

  test('numbers keep the spelling of the file', () => {
    for (const { text } of fixture.texts) {
      const numbers = (json: string): string[] =>
        json.match(/(?<![\w"\\])-?(?:\d[\d.eE+-]*|NaN|Infinity)(?=[,\s\]}]|$)/g) ?? []
      if (text.includes('"a": 1, "a"')) continue
      expect(numbers(again(text))).toEqual(numbers(text))
    }
  })

  test.each(fixture.refused.map((text) => [text]))('%j is refused with its place', (text) => {
    expect(() => parseJson(text, { name: 'config.json' })).toThrow(
      /^config\.json, line \d+, column \d+: not JSON; expected /,
    )
  })

  test('repr of doubles', () => {
    for (const [bits, repr] of fixture.floats) {
      const value = Buffer.from(bits, 'hex').readDoubleLE()
      expect(formatFloat(value)).toBe(repr)
    }
  })
})

describe('values', () => {
  test('are plain JSON', () => {
    const { value } = parseJson('{"units": 64, "rate": 0.5, "names": ["a", null, true], "nan": NaN}')
    expect({ ...(value as object) }).toEqual({ units: 64, rate: 0.5, names: ['a', null, true], nan: Number.NaN })
    expect(JSON.stringify(value)).toBe('{"units":64,"rate":0.5,"names":["a",null,true],"nan":null}')
  })

  test('any name is a key and nothing else', () => {
    const { value } = parseJson('{"__proto__": {"polluted": 1}, "constructor": 2, "toString": 3}')
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect((parseJson('{}').value as { constructor?: unknown }).constructor).toBeUndefined()
    expect(again('{"__proto__": {"polluted": 1.0}}')).toBe('{"__proto__": {"polluted": 1.0}}')
  })

  test('a changed number takes its new spelling, an equal one keeps the old', () => {
    const { value, spellings } = parseJson('{"rate": 1.0, "momentum": 0.90}')
    const config = value as { [key: string]: JsonValue }
    config.rate = 2
    config.momentum = 0.9
    expect(formatJson(config, { spellings })).toBe('{"rate": 2, "momentum": 0.90}')
    expect(formatJson(config, { spellings, floatKeys: new Set(['rate']) })).toBe('{"rate": 2.0, "momentum": 0.90}')
  })

  test('keys that look like integers keep their place, also when one is added or removed', () => {
    const { value, spellings } = parseJson('{"b": 0, "10": 1, "2": 2}')
    const config = value as { [key: string]: JsonValue }
    delete config['10']
    config['7'] = 7
    config.a = 8
    expect(formatJson(config, { spellings })).toBe('{"b": 0, "2": 2, "7": 7, "a": 8}')
  })

  test('a number alone keeps its spelling', () => {
    expect(again('1.0')).toBe('1.0')
    expect(formatJson(1)).toBe('1')
    expect(formatJson(1e16)).toBe('1e+16')
    expect(formatJson(-0)).toBe('-0.0')
  })

  test('bytes are UTF-8, with or without a mark', () => {
    expect(parseJson(new TextEncoder().encode('\ufeff{"é": 1}')).value).toEqual(parseJson('{"é": 1}').value)
    expect(() => parseJson(Uint8Array.of(34, 0xff, 34))).toThrow('not UTF-8')
  })

  test('whatever JavaScript writes is read and written back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value)
        const { value: parsed, spellings } = parseJson(text)
        expect(JSON.stringify(parsed)).toBe(text)
        const formatted = formatJson(parsed, { spellings, separators: [',', ':'], ensureAscii: false })
        expect(JSON.parse(formatted)).toEqual(JSON.parse(text))
        expect(again(again(text))).toBe(again(text))
      }),
    )
  })
})

describe('budgets', () => {
  test('depth', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    expect(again(nested(500))).toBe(nested(500))
    expect(() => parseJson(nested(501))).toThrow('at most 500 levels')
    expect(() => parseJson('{"a":'.repeat(1_000_000))).toThrow('nested too deeply')
    expect(() => parseJson('[[1]]', { maxDepth: 1 })).toThrow('nested too deeply')
  })

  test('length', () => {
    expect(() => parseJson('[1, 2]', { maxLength: 5 })).toThrow('too long')
  })

  test('a long text is read in time that grows with its length', () => {
    const text = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => ({ name: `layer "${i}"`, value: i + 0.5 })))
    expect((parseJson(text).value as unknown[]).length).toBe(100_000)
    expect(parseJson(`"${'\\n'.repeat(500_000)}"`).value).toHaveLength(500_000)
  })
})
