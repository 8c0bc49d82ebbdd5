import { SIDE } from './digits.ts'

/** Rows and columns of a digit's picture in characters: two pixels above each other per half block. */
export const PICTURE_WIDTH = SIDE / 2
const PICTURE_ROWS = SIDE / 4

/** Without colours, darkness is a matter of density. */
const SHADES = ' .:-=+*#%@'
/** xterm's grey ramp: colours 232 (nearly black) to 255 (nearly white). */
const FIRST_GREY = 232
const GREYS = 24

/** One digit (784 values from 0 to 1) at half size, as lines of text. */
export function drawDigit(pixels: ArrayLike<number>, colour: boolean): string[] {
  return Array.from({ length: PICTURE_ROWS }, (_, row) => {
    let line = ''
    for (let column = 0; column < PICTURE_WIDTH; column++) {
      const top = brightness(pixels, row * 2, column)
      const bottom = brightness(pixels, row * 2 + 1, column)
      line += colour ? halfBlock(top, bottom) : SHADES[Math.round(((top + bottom) / 2) * (SHADES.length - 1))]
    }
    return colour ? `${line}\x1b[0m` : line
  })
}

/** Mean of the 2 × 2 pixels at a place of the half-size picture. */
function brightness(pixels: ArrayLike<number>, row: number, column: number): number {
  const at = (y: number, x: number) => pixels[y * SIDE + x] as number
  const [y, x] = [row * 2, column * 2]
  return (at(y, x) + at(y, x + 1) + at(y + 1, x) + at(y + 1, x + 1)) / 4
}

function halfBlock(top: number, bottom: number): string {
  const grey = (value: number) => FIRST_GREY + Math.round(value * (GREYS - 1))
  return `\x1b[38;5;${grey(top)};48;5;${grey(bottom)}m▀`
}
