/**
 * Milliseconds as seconds, in the shortest decimal that is exactly the same moment: the decimal
 * point moves, nothing is rounded. `1710000000123` gives `1710000000.123`.
 */
export function secondsText(milliseconds: number): string {
  if (milliseconds >= 1000 && Number.isSafeInteger(milliseconds)) {
    const rest = milliseconds % 1000
    const whole = String((milliseconds - rest) / 1000)
    return rest === 0 ? whole : `${whole}.${decimals(String(rest).padStart(3, '0'))}`
  }
  const text = String(milliseconds)
  const exponentAt = text.indexOf('e')
  if (exponentAt >= 0) {
    return `${text.slice(0, exponentAt)}e${Number(text.slice(exponentAt + 1)) - 3}`
  }
  const sign = text.startsWith('-') ? '-' : ''
  const [whole = '0', fraction = ''] = text.slice(sign.length).split('.')
  const digits = whole.padStart(4, '0')
  const behind = decimals(`${digits.slice(-3)}${fraction}`)
  return `${sign}${digits.slice(0, -3)}${behind === '' ? '' : `.${behind}`}`
}

/** Digits behind a decimal point, without the zeros at their end. */
function decimals(digits: string): string {
  let end = digits.length
  while (digits.charCodeAt(end - 1) === 48) end -= 1
  return digits.slice(0, end)
}

const TIME = /^"timestamp":(-?[0-9][0-9.eE+-]*),/

/** The time in ms that the text of a record begins with; `NaN` where it is no finite number. */
export function timestampOf(text: string): number {
  const seconds = Number(TIME.exec(text)?.[1] ?? Number.NaN)
  return Number.isFinite(seconds) ? Math.round(seconds * 1e6) / 1e3 : Number.NaN
}
