// What may reach a terminal. Records, file names and messages of other programs hold whatever
// somebody wrote into them; none of it may move the cursor, recolour or reorder what is shown.

/** Control, format (bidi among them), line separators, lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
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

const URL_PASSWORD =
  /([a-z][a-z0-9+.-]*:\/\/[^\s:/?#"'<>\\@]*:)(?!\d{1,5}(?:[/?#]|$))[^\s"'<>\\]+@/gi
const SECRET_PARAMETER =
  /([?&;](?:password|passwd|pwd|pass|secret|token|access_token|auth|api_?key|access_?key)=)[^&;#\s"'<>\\]+/gi

/** The text with passwords in URLs replaced by `***`. */
export function masked(text: string): string {
  if (!text.includes('://')) return text
  return text.replace(URL_PASSWORD, '$1***@').replace(SECRET_PARAMETER, '$1***')
}

/** At most `width` characters, the end replaced by an ellipsis. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text
  return `${text.slice(0, Math.max(1, width - 3))}...`
}
