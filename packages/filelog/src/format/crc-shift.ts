const POLYNOMIAL = 0xedb88320
/** The polynomial 1: its bits, as those of every checksum, stand the other way round. */
const ONE = 0x80000000

/** The product of two polynomials modulo that of the checksum. */
function times(a: number, b: number): number {
  let product = 0
  let power = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= power
    power = (power & 1) === 0 ? power >>> 1 : (power >>> 1) ^ POLYNOMIAL
  }
  return product >>> 0
}

/** `POWERS[n]` moves a difference on by `2 ** n` bytes. */
const POWERS: number[] = []
function power(n: number): number {
  for (let i = POWERS.length; i <= n; i++) {
    // x to the 8th, and then always the square of the one before.
    const before = POWERS[i - 1]
    POWERS.push(before === undefined ? ONE >>> 8 : times(before, before))
  }
  return POWERS[n] as number
}

/**
 * What a difference between two states before some bytes has become behind them, however many they
 * are: `checksum(bytes, a ^ d) === checksum(bytes, a) ^ shiftChecksum(d, bytes.length)`.
 */
export function shiftChecksum(difference: number, bytes: number): number {
  let shifted = difference >>> 0
  let left = bytes
  for (let n = 0; left > 0 && shifted !== 0; n++) {
    if (left % 2 === 1) shifted = times(power(n), shifted)
    left = Math.floor(left / 2)
  }
  return shifted
}
