import { describeValue, RekindleError } from '../errors.ts'

/** The names that an options type has: `{ epochs: true, … }`, so that the compiler knows when one is missing. */
export type OptionNames<O> = { readonly [K in keyof Required<O>]: true }

/**
 * Refuses what is no options object or misspelt: without TypeScript a wrong name would be passed over in silence.
 * @throws RekindleError `E_INVALID_ARGUMENT`.
 */
export function checkOptions<O extends object>(options: O, names: OptionNames<O>, where: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new RekindleError('E_INVALID_ARGUMENT', 'no options', {
      where,
      expected: `an object such as { ${Object.keys(names)[0]}: … }`,
      received: describeValue(options),
    })
  }
  const stranger = Object.keys(options).find((name) => !Object.hasOwn(names, name))
  if (stranger === undefined) return
  throw new RekindleError('E_INVALID_ARGUMENT', `there is no option ${stranger}`, {
    where,
    expected: Object.keys(names).join(', '),
  })
}

/** A whole number from 0 on that JavaScript holds exactly: what random streams take. */
export function checkSeed(seed: unknown, most = Number.MAX_SAFE_INTEGER): void {
  if (typeof seed === 'number' && Number.isInteger(seed) && seed >= 0 && seed <= most) return
  throw new RekindleError('E_INVALID_ARGUMENT', 'not a seed', {
    expected: `a whole number from 0 to ${most}`,
    received: describeValue(seed),
  })
}
