import { RekindleError } from '../errors.ts'
import { LIMITS } from './limits.ts'

/** What JSON text holds. Numbers include NaN and the infinities, which Python writes. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/**
 * What JavaScript's values lose of a JSON text: numbers that it would spell otherwise (`1.0`, `1e-07`, integers beyond
 * 2⁵³) and the order of keys that look like integers. Kept beside the values, so that they stay plain JSON and go back
 * to the file unchanged.
 */
export class JsonSpellings {
  readonly #numbers = new WeakMap<object, Map<string, string>>()
  readonly #keys = new WeakMap<object, readonly string[]>()

  /** The spelling of the number `container[key]`; undefined when it is the usual one or the number has changed since. */
  number(container: object, key: string | number, value: number): string | undefined {
    const spelling = this.#numbers.get(container)?.get(String(key))
    return spelling !== undefined && Object.is(numberOf(spelling), value) ? spelling : undefined
  }

  setNumber(container: object, key: string | number, spelling: string): void {
    const known = this.#numbers.get(container)
    if (known) known.set(String(key), spelling)
    else this.#numbers.set(container, new Map([[String(key), spelling]]))
  }

  /** The present keys in the order of the file, new ones last. */
  keys(container: object): readonly string[] {
    const present = Object.keys(container)
    const ordered = this.#keys.get(container)
    if (ordered === undefined) return present
    return [...new Set([...ordered.filter((key) => Object.hasOwn(container, key)), ...present])]
  }

  setKeys(container: object, keys: readonly string[]): void {
    this.#keys.set(container, keys)
  }
}

export interface JsonDocument {
  /** Objects have no prototype: any name is a safe key. */
  readonly value: JsonValue
  readonly spellings: JsonSpellings
}

export interface JsonParseOptions {
  /** For messages. */
  readonly name?: string
  /** Bytes (of an array) or characters (of a string). */
  readonly maxLength?: number
  readonly maxDepth?: number
}

/**
 * Parses JSON as Python's `json.loads` does: NaN and infinities are numbers, the last of two equal keys wins.
 * @param text UTF-8 bytes or a string.
 * @throws RekindleError `E_INVALID_JSON` with line and column; `E_LIMIT`.
 */
export function parseJson(text: string | Uint8Array, options: JsonParseOptions = {}): JsonDocument {
  const { name = 'JSON', maxLength = LIMITS.jsonText, maxDepth = LIMITS.jsonDepth } = options
  if (text.length > maxLength) {
    throw new RekindleError('E_LIMIT', 'the JSON text is too long', {
      where: name,
      expected: `at most ${maxLength}`,
      received: String(text.length),
    })
  }
  return new Parser(typeof text === 'string' ? text : decodeUtf8(text, name), name, maxDepth).document()
}

function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new RekindleError('E_INVALID_JSON', 'the text is not UTF-8', { where: name, cause })
  }
}

const NAMED_NUMBERS: { readonly [spelling: string]: number } = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const WORD = /-?[A-Za-z]+/y
const SPACE = /[ \t\n\r]*/y
/** The part of a string up to its end or its next escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids raw control characters in strings.
const PLAIN = /[^"\\\u0000-\u001f]*/y
const ESCAPES: { readonly [letter: string]: string } = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function numberOf(spelling: string): number {
  return NAMED_NUMBERS[spelling] ?? Number(spelling)
}

/** JavaScript lists such keys first, whatever their place was. */
const INTEGER_KEY = /^(?:0|[1-9]\d*)$/
const ROOT = ''

class Parser {
  readonly #text: string
  readonly #name: string
  readonly #maxDepth: number
  readonly #spellings = new JsonSpellings()
  #at = 0

  constructor(text: string, name: string, maxDepth: number) {
    this.#text = text
    this.#name = name
    this.#maxDepth = maxDepth
  }

  document(): JsonDocument {
    this.#match(SPACE)
    const start = this.#at
    const value = this.#value(0)
    // A number alone has no container: the table itself takes its place.
    this.#note(this.#spellings, ROOT, value, start)
    this.#match(SPACE)
    if (this.#at < this.#text.length) throw this.#error('the end of the text')
    return { value, spellings: this.#spellings }
  }

  /** Remembers how the number was spelled that began at `start`, when that says more than its value. */
  #note(container: object, key: string | number, value: JsonValue, start: number): void {
    if (typeof value !== 'number') return
    const spelling = this.#text.slice(start, this.#at)
    if (spelling !== formatNumber(value)) this.#spellings.setNumber(container, key, spelling)
  }

  #value(depth: number): JsonValue {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(this.#deeper(depth))
      case '[':
        return this.#array(this.#deeper(depth))
      case '"':
        return this.#string()
      default:
        return this.#scalar()
    }
  }

  #deeper(depth: number): number {
    if (depth >= this.#maxDepth) {
      throw new RekindleError('E_LIMIT', 'JSON is nested too deeply', {
        where: this.#name,
        expected: `at most ${this.#maxDepth} levels`,
      })
    }
    return depth + 1
  }

  #object(depth: number): JsonValue {
    // Without a prototype `__proto__` is a key like any other.
    const out: { [key: string]: JsonValue } = Object.create(null)
    const keys: string[] = []
    let reordered = false
    this.#list('}', () => {
      if (this.#text[this.#at] !== '"') throw this.#error('a key in double quotes')
      const key = this.#string()
      this.#match(SPACE)
      if (this.#text[this.#at] !== ':') throw this.#error('":"')
      this.#at++
      this.#match(SPACE)
      const start = this.#at
      const value = this.#value(depth)
      out[key] = value
      this.#note(out, key, value, start)
      keys.push(key)
      reordered ||= INTEGER_KEY.test(key)
    })
    if (reordered) this.#spellings.setKeys(out, keys)
    return out
  }

  #array(depth: number): JsonValue {
    const out: JsonValue[] = []
    this.#list(']', () => {
      const start = this.#at
      const value = this.#value(depth)
      this.#note(out, out.length, value, start)
      out.push(value)
    })
    return out
  }

  /** From the opening bracket to the closing one. */
  #list(close: string, item: () => void): void {
    this.#at++
    this.#match(SPACE)
    if (this.#text[this.#at] === close) {
      this.#at++
      return
    }
    for (;;) {
      item()
      this.#match(SPACE)
      if (this.#text[this.#at] === close) break
      if (this.#text[this.#at] !== ',') throw this.#error(`"," or "${close}"`)
      this.#at++
      this.#match(SPACE)
    }
    this.#at++
  }

  #string(): string {
    this.#at++
    let out = ''
    for (;;) {
      out += this.#match(PLAIN)
      const stop = this.#text[this.#at]
      if (stop === '"') break
      if (stop !== '\\') throw this.#error('the end of a string')
      out += this.#escape()
    }
    this.#at++
    return out
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? ''
    const plain = ESCAPES[letter]
    if (plain !== undefined) {
      this.#at += 2
      return plain
    }
    const digits = this.#text.slice(this.#at + 2, this.#at + 6)
    if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#error('an escape of JSON')
    this.#at += 6
    return String.fromCharCode(Number.parseInt(digits, 16))
  }

  #scalar(): JsonValue {
    const digits = this.#match(NUMBER)
    if (digits !== '') return Number(digits)
    const start = this.#at
    const word = this.#match(WORD)
    if (word === 'null') return null
    if (word === 'true' || word === 'false') return word === 'true'
    const named = Object.hasOwn(NAMED_NUMBERS, word) ? NAMED_NUMBERS[word] : undefined
    if (named !== undefined) return named
    this.#at = start
    throw this.#error('a value')
  }

  /** What the sticky pattern finds here, perhaps nothing. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #error(expected: string): RekindleError {
    const before = this.#text.slice(0, this.#at)
    const line = before.split('\n').length
    const column = this.#at - before.lastIndexOf('\n')
    const rest = this.#text.slice(this.#at, this.#at + 20)
    return new RekindleError('E_INVALID_JSON', 'not JSON', {
      where: `${this.#name}, line ${line}, column ${column}`,
      expected,
      received: rest === '' ? 'the end of the text' : JSON.stringify(rest),
    })
  }
}

export interface JsonFormatOptions {
  readonly spellings?: JsonSpellings
  /** Keys whose numbers Python holds as floats: 1 is written as `1.0`. */
  readonly floatKeys?: ReadonlySet<string>
  /** Python's `indent`; by default everything stands on one line. */
  readonly indent?: number
  /** Between items, and between key and value. Default: Python's, `', '` (`','` with an indent) and `': '`. */
  readonly separators?: readonly [item: string, key: string]
  /** Default true: everything beyond ASCII is escaped. */
  readonly ensureAscii?: boolean
}

/** The text that Python's `json.dumps` gives, byte for byte. */
export function formatJson(value: JsonValue, options: JsonFormatOptions = {}): string {
  const { spellings, floatKeys, indent, ensureAscii = true } = options
  const [itemSeparator, keySeparator] = options.separators ?? [indent === undefined ? ', ' : ',', ': ']
  const text = (string: string): string => formatString(string, ensureAscii)

  const list = (open: string, items: readonly string[], close: string, depth: number): string => {
    if (items.length === 0) return open + close
    if (indent === undefined) return open + items.join(itemSeparator) + close
    const margin = `\n${' '.repeat(indent * (depth + 1))}`
    return `${open}${margin}${items.join(itemSeparator + margin)}\n${' '.repeat(indent * depth)}${close}`
  }

  const format = (item: JsonValue, container: object, key: string | number, depth: number): string => {
    if (typeof item === 'number') {
      const float = floatKeys?.has(String(key)) ?? false
      return spellings?.number(container, key, item) ?? (float ? formatFloat(item) : formatNumber(item))
    }
    if (typeof item === 'string') return text(item)
    if (item === null || typeof item === 'boolean') return String(item)
    if (isArray(item)) {
      const items = item.map((member, i) => format(member, item, i, depth + 1))
      return list('[', items, ']', depth)
    }
    const members = (spellings?.keys(item) ?? Object.keys(item)).map(
      (name) => text(name) + keySeparator + format(item[name] as JsonValue, item, name, depth + 1),
    )
    return list('{', members, '}', depth)
  }

  return format(value, spellings ?? options, ROOT, 0)
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

const SHORT_ESCAPES: { readonly [character: string]: string } = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are escaped.
const ESCAPED = /["\\\u0000-\u001f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are escaped.
const ESCAPED_TO_ASCII = /["\\\u0000-\u001f\u007f-\uffff]/g

function formatString(text: string, ensureAscii: boolean): string {
  const escaped = (unit: string): string =>
    SHORT_ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `"${text.replace(ensureAscii ? ESCAPED_TO_ASCII : ESCAPED, escaped)}"`
}

/** A whole number as Python's int, any other as its float. */
function formatNumber(value: number): string {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : formatFloat(value)
}

/** Python's `repr` of a double: `1.0`, `1e-07`, `1e+16`, `NaN`. The digits are the shortest that read back. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa = '', power = ''] = value.toExponential().split('e')
  const exponent = Number(power)
  // Python turns to exponents below 1e-4 and from 1e16 on; JavaScript below 1e-6 and from 1e21 on.
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? '-' : '+'
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  if (exponent < 0) {
    const digits = mantissa.replace(/[-.]/g, '')
    return `${value < 0 ? '-' : ''}0.${'0'.repeat(-exponent - 1)}${digits}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
