// What may reach a terminal. Records, file names and messages of other programs hold whatever
// somebody wrote into them; none of it may move the cursor, recolour or reorder what is shown.

/** Control, format (bidi among them), line separators, lone surrogates, and what is not assigned yet. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu
const NOT_ASCII = /[^\x20-\x7e]/g

const unitEscape = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
const escapeUnits = (text: string): string => text.replace(/[\s\S]/g, unitEscape)

/** The text with everything that could act on a terminal written as `\uXXXX`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escapeUnits)
}

/** `JSON.stringify` in printable ASCII alone, secrets masked. */
export function asciiJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === 'string' ? masked(item) : item),
    indent,
  )
  return text.replace(/[^\n\x20-\x7e]/g, unitEscape)
}

/** JSON text as stored, made printable ASCII without being parsed: no number, key or order changes. */
export function asciiRawJson(json: string): string {
  // Outside of strings only space, tab, CR and LF may stand; inside they are always escaped.
  return masked(json)
    .replace(/[\t\r\n]/g, ' ')
    .replace(NOT_ASCII, unitEscape)
}

const SECRET_PARAMETER =
  /([?&;](?:password|passwd|pwd|pass|secret|token|access_token|auth|api_?key|access_?key)=)[^&;#\s"'<>\\]+/gi

/** The text with passwords in URLs replaced by `***`. Takes time in proportion to its length. */
export function masked(text: string): string {
  if (!text.includes('://')) return text
  return withoutPasswords(text).replace(SECRET_PARAMETER, '$1***')
}

/** The password stands between the first `:` of the user part and the last `@` of the URL. */
function withoutPasswords(text: string): string {
  const urlEnd = /[\s"'<>\\]/g
  const userEnd = /[\s"'<>\\/?#@:]/g
  let shown = ''
  let copied = 0
  let token = { end: 0, lastAt: -1 }
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    const colon = indexFrom(text, userEnd, at + 3)
    if (at < copied || text[colon] !== ':' || isPort(text, colon + 1)) continue
    if (at >= token.end) token = tokenAt(text, at, indexFrom(text, urlEnd, at))
    if (token.lastAt <= colon) continue
    shown += `${text.slice(copied, colon + 1)}***`
    copied = token.lastAt
  }
  return shown + text.slice(copied)
}

const isPort = (text: string, from: number): boolean =>
  /^\d{1,5}[/?#]/.test(text.slice(from, from + 6))

function tokenAt(text: string, start: number, end: number): { end: number; lastAt: number } {
  const lastAt = text.slice(start, end).lastIndexOf('@')
  return { end, lastAt: lastAt < 0 ? -1 : start + lastAt }
}

function indexFrom(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from
  return pattern.exec(text)?.index ?? text.length
}

/** At most `width` characters, the end replaced by an ellipsis. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text
  return `${text.slice(0, Math.max(1, width - 3))}...`
}
