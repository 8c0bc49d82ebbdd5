/** What the header of an `.npy` file may hold. Tuples and lists are arrays. */
export type PythonLiteral = string | boolean | number | null | PythonLiteral[] | Map<string, PythonLiteral>

/** Deeper than any dtype description; keeps a hostile header from using up the stack. */
const LARGEST_DEPTH = 32
const TOKEN = /\s*(?:('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(-?\d+)L?|([A-Za-z]+)|([{}()[\],:]))/y
const WORDS: ReadonlyMap<string, PythonLiteral> = new Map<string, PythonLiteral>([
  ['True', true],
  ['False', false],
  ['None', null],
])
const CLOSING: { readonly [open: string]: string } = { '(': ')', '[': ']', '{': '}' }

/**
 * Reads a Python literal of strings, whole numbers, True, False, None, tuples, lists and dictionaries: a parser, so that
 * nothing is evaluated.
 * @throws SyntaxError for anything else.
 */
export function parsePythonLiteral(text: string): PythonLiteral {
  let at = 0

  const peek = (): RegExpExecArray => {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(text)
    if (token === null) throw new SyntaxError(`unexpected ${JSON.stringify(text.slice(at, at + 20))}`)
    return token
  }
  const next = (): RegExpExecArray => {
    const token = peek()
    at = TOKEN.lastIndex
    return token
  }
  const skip = (mark: string): boolean => {
    if (peek()[4] !== mark) return false
    next()
    return true
  }

  const value = (depth: number): PythonLiteral => {
    if (depth > LARGEST_DEPTH) throw new SyntaxError('nested too deeply')
    const [whole, string, integer, word, mark] = next()
    if (string !== undefined) return unquote(string)
    if (integer !== undefined) return Number(integer)
    const constant = word === undefined ? undefined : WORDS.get(word)
    if (constant !== undefined) return constant
    if (mark === '{') return dictionary(depth)
    const close = CLOSING[mark ?? '']
    if (close === undefined) throw new SyntaxError(`unexpected ${JSON.stringify(whole.trim())}`)
    return sequence(close, depth)
  }

  const sequence = (close: string, depth: number): PythonLiteral => {
    const items: PythonLiteral[] = []
    let comma = false
    while (!skip(close)) {
      items.push(value(depth + 1))
      comma = skip(',')
      if (!comma && peek()[4] !== close) throw new SyntaxError(`expected "," or "${close}"`)
    }
    // Parentheses around one value without a comma are no tuple.
    const [only] = items
    return close === ')' && items.length === 1 && !comma && only !== undefined ? only : items
  }

  const dictionary = (depth: number): PythonLiteral => {
    const out = new Map<string, PythonLiteral>()
    while (!skip('}')) {
      const key = value(depth + 1)
      if (typeof key !== 'string' || !skip(':')) throw new SyntaxError('expected a name and ":"')
      out.set(key, value(depth + 1))
      if (!skip(',') && peek()[4] !== '}') throw new SyntaxError('expected "," or "}"')
    }
    return out
  }

  const result = value(0)
  if (text.slice(at).trim() !== '') throw new SyntaxError('more than one value')
  return result
}

/** Only the escapes that a field name or a dtype could need. */
function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, (whole, character: string) => {
    if (character === '\\' || character === "'" || character === '"') return character
    throw new SyntaxError(`unexpected escape ${whole}`)
  })
}
