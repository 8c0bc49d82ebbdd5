/** Makes text from a file safe to print: control characters could move the cursor or change the title of a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}/gu, '\ufffd')
}
