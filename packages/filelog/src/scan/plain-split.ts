/** How many places are tried for the start of a whole object behind a fragment. */
const MOST_TRIES = 200

/** A JSON object inside a line of text; positions in the text. */
export interface Piece {
  readonly start: number
  readonly end: number
  readonly value: Record<string, unknown>
}

/** The value of a text that is one JSON object; `null` if it is not. */
export function parseObject(text: string): Record<string, unknown> | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const object = typeof value === 'object' && value !== null && !Array.isArray(value)
  return object ? (value as Record<string, unknown>) : null
}

/** Behind the object that starts at `start`, by its brackets and strings; -1 if it does not end. */
function objectEnd(text: string, start: number): number {
  let depth = 0
  let inString = false
  for (let i = start; i < text.length; i++) {
    const c = text[i]
    if (inString) {
      if (c === '\\') i++
      else if (c === '"') inString = false
    } else if (c === '"') inString = true
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') {
      depth--
      if (depth === 0) return i + 1
      if (depth < 0) return -1
    }
  }
  return -1
}

/** Whole records on a line that is not one JSON object: `{…}{…}`, or a fragment before `{…}`. */
export function splitGlued(text: string): Piece[] {
  const out: Piece[] = []
  let tries = MOST_TRIES
  for (let at = text.indexOf('{'); at >= 0 && tries > 0; tries--) {
    const end = objectEnd(text, at)
    const value = end < 0 ? null : parseObject(text.slice(at, end))
    // A payload inside a fragment is no record.
    if (value !== null && typeof value['kind'] === 'string') {
      out.push({ start: at, end, value })
      at = text.indexOf('{', end)
    } else at = text.indexOf('{', at + 1)
  }
  return out
}
