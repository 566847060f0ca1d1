import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { PapyraError, type Progress } from '@papyra/contracts'
import { LineReader } from './line-reader.js'
import {
  HEARTBEAT_MS,
  MAX_REQUEST_BYTES,
  parseRequest,
  type Hello,
  type Reply,
  type Request,
} from './protocol.js'
import { toWire } from './wire-error.js'

/** A client that does nothing, or does not take what is sent to it, is dropped after this, in ms. */
const SILENCE_MS = 60_000
/** More requests of one client at a time are refused. */
const MAX_REQUESTS = 32
/** So many lines that are no requests, and the client is dropped. */
const MAX_GARBAGE = 20

/** A request that is being worked on. */
export interface Work {
  readonly request: Exclude<Request, { readonly op: 'cancel' }>
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

export interface SessionOptions {
  readonly hello: Hello
  /** Does what a request asks for. */
  readonly run: (work: Work) => Promise<unknown>
  readonly onEnd: (session: Session) => void
}

/** One client of the owner. Nothing that it does or fails to do hurts the owner. */
export class Session {
  readonly #socket: Socket
  readonly #options: SessionOptions
  readonly #reader: LineReader = new LineReader(MAX_REQUEST_BYTES)
  readonly #running: Map<number, AbortController> = new Map()
  #garbage: number = 0
  #ended: boolean = false

  constructor(socket: Socket, options: SessionOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('drain', () => socket.resume())
    socket.on('end', () => this.#noMoreRequests())
    socket.on('close', () => this.#gone())
    socket.setTimeout(SILENCE_MS, () => this.#silent())
    this.#send(options.hello)
  }

  /** Stops everything that runs for this client, tells it why, and lets go of it. */
  close(reason: PapyraError): void {
    for (const controller of this.#running.values()) controller.abort(reason)
    this.#ended = true
    this.#endIfIdle()
  }

  #take(chunk: Buffer): void {
    const { lines, tooLong } = this.#reader.push(chunk)
    for (const line of lines) this.#line(line)
    if (tooLong || this.#garbage > MAX_GARBAGE) {
      const what = tooLong ? `A line is longer than ${MAX_REQUEST_BYTES} bytes` : 'Too much garbage'
      const error = toWire(
        new PapyraError('invalid_argument', `${what}; the connection is closed.`),
      )
      this.#send({ id: null, error })
      this.#stopAll()
      this.#socket.destroySoon()
      return
    }
    // Who asks faster than it takes the answers has to wait.
    if (this.#socket.writableNeedDrain) this.#socket.pause()
  }

  #line(line: string): void {
    const request = parseRequest(line)
    if ('problem' in request) {
      this.#garbage += 1
      this.#send({ id: request.id, error: toWire(request.problem) })
    } else if (request.op === 'cancel') this.#running.get(request.id)?.abort(stopped())
    else if (this.#running.has(request.id)) this.#refuse(request.id, 'is the number of another one')
    else if (this.#running.size >= MAX_REQUESTS) this.#refuse(request.id, 'is one too many at once')
    else void this.#work(request)
  }

  #refuse(id: number, why: string): void {
    const error = toWire(new PapyraError('invalid_argument', `The request ${id} ${why}.`))
    this.#send({ id, error })
  }

  async #work(request: Work['request']): Promise<void> {
    const { id } = request
    const controller = new AbortController()
    this.#running.set(id, controller)
    const alive = setInterval(() => this.#tell({ id, alive: true }), HEARTBEAT_MS)
    alive.unref()
    const onProgress = (progress: Progress): void => this.#tell({ id, progress })
    let line: string
    try {
      const result = await this.#options.run({ request, signal: controller.signal, onProgress })
      line = lineOf({ id, result: result ?? null })
    } catch (error) {
      line = lineOf({ id, error: toWire(error) })
    }
    clearInterval(alive)
    this.#running.delete(id)
    this.#write(line)
    this.#endIfIdle()
  }

  /** Sends what may be left out: a slow client does not get to pile it up. */
  #tell(reply: Reply): void {
    if (!this.#socket.writableNeedDrain) this.#send(reply)
  }

  #send(line: Reply | Hello): void {
    this.#write(lineOf(line))
  }

  #write(line: string): void {
    if (this.#socket.writable) this.#socket.write(line)
  }

  /** Who closes its side still gets the answers that come at once, as `nc` wants it. */
  #noMoreRequests(): void {
    this.#stopAll()
    this.#ended = true
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    if (this.#ended && this.#running.size === 0) this.#socket.end()
  }

  #silent(): void {
    if (this.#running.size === 0 || this.#socket.writableLength > 0) this.#socket.destroy()
  }

  #gone(): void {
    this.#stopAll()
    this.#options.onEnd(this)
  }

  #stopAll(): void {
    for (const controller of this.#running.values()) controller.abort(stopped())
  }
}

const lineOf = (line: Reply | Hello): string => `${JSON.stringify(line)}\n`

function stopped(): PapyraError {
  return new PapyraError('aborted', 'The operation was stopped on request.')
}
