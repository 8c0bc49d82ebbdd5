/**
 * Orthonormal columns from independent ones, in place: the Q of a QR factorisation whose R has a positive diagonal.
 * Gram and Schmidt's process; a column that loses most of its length is cleaned a second time.
 *
 * @param columns one Float64Array per column.
 */
export function orthonormalize(columns: readonly Float64Array[]): void {
  for (let j = 0; j < columns.length; j++) {
    const column = columns[j] as Float64Array
    let before: number
    let length = norm(column)
    do {
      before = length
      for (let k = 0; k < j; k++) subtractProjection(column, columns[k] as Float64Array)
      length = norm(column)
    } while (length < before / 2 && length > 0)
    for (let i = 0; i < column.length; i++) column[i] = (column[i] as number) / length
  }
}

function subtractProjection(column: Float64Array, unit: Float64Array): void {
  const share = dot(unit, column)
  for (let i = 0; i < column.length; i++) column[i] = (column[i] as number) - share * (unit[i] as number)
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a))
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}
