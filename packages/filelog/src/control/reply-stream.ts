import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { LineReader } from './line-reader.js'

/** Most bytes of one answer: a report with very many anomalies is long, but has an end. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024

export type NextLine =
  | { readonly line: string }
  /** The connection ended, or could not be made; `errno` is empty if it simply ended. */
  | { readonly gone: true; readonly errno: string }
  /** Nothing came in time. */
  | { readonly silent: true }

/** The lines that an owner sends, one after the other. */
export class ReplyStream {
  readonly #socket: Socket
  readonly #lines: string[] = []
  #errno: string = ''
  #gone: boolean = false
  #late: boolean = false
  #wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    const reader = new LineReader(MAX_REPLY_BYTES)
    socket.on('data', (chunk: Buffer) => {
      const { lines, tooLong } = reader.push(chunk)
      this.#lines.push(...lines)
      if (tooLong) socket.destroy()
      this.#wake?.()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#errno = error.code ?? ''
    })
    socket.on('close', () => {
      this.#gone = true
      this.#wake?.()
    })
  }

  /** The next line; waits for it at most `ms`. */
  async next(ms: number): Promise<NextLine> {
    if (this.#lines.length === 0 && !this.#gone && !this.#late) await this.#something(ms)
    const line = this.#lines.shift()
    if (line !== undefined) return { line }
    return this.#gone ? { gone: true, errno: this.#errno } : { silent: true }
  }

  /** From `ms` on nothing is waited for any more. */
  hurry(ms: number): void {
    setTimeout(() => {
      this.#late = true
      this.#wake?.()
    }, ms).unref()
  }

  send(line: object): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(line)}\n`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #something(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
    })
  }
}
