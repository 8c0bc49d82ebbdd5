/** The upper half of code page 437, in which names without the UTF-8 flag are written. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 where it is that, flagged or not (several writers forget the flag); otherwise code page 437. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    return Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : CP437.charAt(byte - 128))).join('')
  }
}

const PATH_TRICKS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^$/, 'an empty name'],
  [/\0/, 'a NUL byte'],
  [/\\/, 'a backslash'],
  [/^\//, 'an absolute path'],
  [/^[A-Za-z]:/, 'a drive letter'],
  [/(^|\/)\.\.(\/|$)/, 'a step out of the archive (..)'],
]

/** What makes a name dangerous for whoever unpacks it; undefined when it is a plain relative path. */
export function pathTrick(name: string): string | undefined {
  return PATH_TRICKS.find(([pattern]) => pattern.test(name))?.[1]
}
