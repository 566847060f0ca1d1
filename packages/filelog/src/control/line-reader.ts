import { Buffer } from 'node:buffer'

const LF = 10

/** Cuts what arrives into lines, and refuses to collect one that has no end. */
export class LineReader {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #bytes: number = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * The lines that end in `chunk`, without their ends and without empty ones. Stops before a line
   * longer than the most: then `tooLong` is true, and the reader is of no more use.
   */
  push(chunk: Buffer): { readonly lines: readonly string[]; readonly tooLong: boolean } {
    const lines: string[] = []
    let from = 0
    for (;;) {
      const end = chunk.indexOf(LF, from)
      const part = chunk.subarray(from, end < 0 ? chunk.length : end)
      if (this.#bytes + part.length > this.#maxBytes) return { lines, tooLong: true }
      if (end < 0) {
        if (part.length > 0) this.#keep(part)
        return { lines, tooLong: false }
      }
      const line = this.#take(part)
      if (line !== '') lines.push(line)
      from = end + 1
    }
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
  }

  #take(last: Buffer): string {
    const whole = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last])
    this.#parts = []
    this.#bytes = 0
    return whole.toString('utf8').trim()
  }
}
