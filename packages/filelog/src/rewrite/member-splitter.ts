/** Where one member of an object stands: its key with quotes, and all of it from key to value's end. */
export interface Member {
  /** The key as it is written between its quotes; escapes are not undone. */
  readonly rawKey: string
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

function isSpace(c: number | undefined): boolean {
  return c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d
}

function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && isSpace(bytes[at])) at++
  return at
}

/** Behind the closing quote of the string that opens at `from`; -1 if it has none. */
function skipString(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from + 1; at < end; at++) {
    const c = bytes[at]
    if (c === BACKSLASH) at++
    else if (c === QUOTE) return at + 1
  }
  return -1
}

/** Behind the value that begins at `from`, without trailing spaces; -1 if it has no end. */
function skipValue(bytes: Uint8Array, from: number, end: number): number {
  let depth = 0
  let last = from
  for (let at = from; at < end; ) {
    const c = bytes[at] as number
    if (c === QUOTE) {
      at = skipString(bytes, at, end)
      if (at < 0) return -1
      last = at
      continue
    }
    if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return last
      depth--
    } else if (c === 0x2c && depth === 0) return last
    at++
    if (!isSpace(c)) last = at
  }
  return -1
}

/**
 * Finds the members on the top level of the JSON object in `bytes[start, end)`, in their order,
 * doubled ones included, without converting anything: strings and brackets are followed, values are
 * not looked at. `null` if it is not an object as far as that can tell. The depth does not matter.
 */
export function splitMembers(bytes: Uint8Array, start: number, end: number): Member[] | null {
  let at = skipSpace(bytes, start, end)
  if (bytes[at] !== 0x7b) return null
  at = skipSpace(bytes, at + 1, end)
  const members: Member[] = []
  if (bytes[at] === 0x7d) return skipSpace(bytes, at + 1, end) === end ? members : null
  for (;;) {
    if (at >= end || bytes[at] !== QUOTE) return null
    const keyEnd = skipString(bytes, at, end)
    if (keyEnd < 0) return null
    const colon = skipSpace(bytes, keyEnd, end)
    if (bytes[colon] !== 0x3a) return null
    const valueStart = skipSpace(bytes, colon + 1, end)
    const valueEnd = skipValue(bytes, valueStart, end)
    if (valueEnd <= valueStart) return null
    const rawKey = new TextDecoder().decode(bytes.subarray(at + 1, keyEnd - 1))
    members.push({ rawKey, start: at, valueStart, end: valueEnd })
    at = skipSpace(bytes, valueEnd, end)
    if (bytes[at] === 0x7d) return skipSpace(bytes, at + 1, end) === end ? members : null
    if (bytes[at] !== 0x2c) return null
    at = skipSpace(bytes, at + 1, end)
  }
}
