import type { AppendFact } from '@papyra/contracts'

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

/** The line that a fact becomes, without its end: what `cat` would show of it in a file. */
export function formatLine(seq: number, fact: AppendFact): string {
  return `{"seq":${seq},"kind":"${fact.kind}","timestamp":${secondsText(fact.timestamp)},${fact.members}}`
}

/** How many bytes a text takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code < 0x80) continue
    // A pair of surrogates is two units and four bytes: two more for the first, none for the second.
    if (code < 0x800) bytes += 1
    else if (code >= 0xd800 && code <= 0xdbff && isLow(text.charCodeAt(i + 1))) {
      bytes += 2
      i += 1
    } else bytes += 2
  }
  return bytes
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}
