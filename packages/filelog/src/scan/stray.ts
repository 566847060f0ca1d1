const TAB = 0x09
const CR = 0x0d
const SPACE = 0x20

function isBlank(byte: number | undefined): boolean {
  return byte === CR || byte === SPACE || byte === TAB
}

/** Behind the byte order marks and blanks at the start of a line. */
export function soundStart(bytes: Uint8Array, start: number, stop: number): number {
  let at = start
  while (at < stop) {
    if (isBlank(bytes[at])) at++
    else if (
      bytes[at] === 0xef &&
      bytes[at + 1] === 0xbb &&
      bytes[at + 2] === 0xbf &&
      at + 3 <= stop
    )
      at += 3
    else break
  }
  return at
}

/** Before the blanks at the end of a line. */
export function soundStop(bytes: Uint8Array, start: number, stop: number): number {
  let at = stop
  while (at > start && isBlank(bytes[at - 1])) at--
  return at
}
